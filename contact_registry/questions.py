"""Advice: may this person, or each person of this list, be contacted? Nothing is written and nothing is promised."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from contact_registry import schemas
from contact_registry.actor import Actor
from contact_registry.addresses import email_key
from contact_registry.batch import BatchAnswer, BatchMode, BatchRow, check_batch
from contact_registry.confinement import with_own_team, within_team
from contact_registry.reading import Rules, Subject, erased, not_found
from contact_registry.repository import people
from contact_registry.values import Badge, Question
from contact_registry.workplace import Workplace, asked_time, check_team
from core.errors import AppError, InvalidInput, TooLarge

M = TypeVar("M", bound=BaseModel)


class QuestionService:
    def __init__(self, workplace: Workplace) -> None:
        self._at = workplace

    def check(self, asked: schemas.QuestionIn, actor: Actor) -> schemas.CheckOut:
        """Say whether, why not, and from when on.

        Raises InvalidInput (`at_in_past`, `unknown_team`, `invalid_email`), NotFound, Gone.
        """
        with self._at.database.read() as session:
            known = self._at.reader.rules(session)
            now = self._at.locks.now(session, self._at.clock)
            at = asked_time(asked.at, now)
            check_team(session, known, asked.team)
            subject = self._at.reader.subject(session, asked.contact, asked.email)
            question = self._at.question(subject, asked, at)
            decision = self._at.judge(session, known, question, now)
        return self._at.check_out(decision, known, actor)

    def batch_check(self, asked: schemas.BatchCheckIn, actor: Actor) -> schemas.BatchOut:
        """Judge up to MAX_BATCH people, each item in its place; a bad item spoils only itself."""
        if len(asked.items) > schemas.MAX_BATCH:
            raise too_many(len(asked.items))
        defaults = with_own_team(asked.defaults.model_dump(exclude_none=True, exclude={"ttl"}), actor)
        items = within_team([read_item(schemas.QuestionIn, item, defaults) for item in asked.items], actor)
        with self._at.database.read() as session:
            known = self._at.reader.rules(session)
            now = self._at.locks.now(session, self._at.clock)
            rows = self.rows(session, known, items, now)
            found = check_batch(known.book, rows, BatchMode(asked.mode), now)
        out = [item_out(answer, actor) for answer in found]
        return schemas.BatchOut(policy_version=known.book.version, checked_at=now, items=out, counts=count_badges(out))

    def rows(
        self,
        session: Session,
        known: Rules,
        items: Sequence[schemas.QuestionIn | AppError],
        now: datetime,
        booked: Mapping[str, int] | None = None,
    ) -> list[BatchRow | AppError]:
        """Return each item with its person and history, all read together.

        `booked` counts, by account, what earlier rows of the same list have taken.
        """
        asked = self.asked(session, known, items, now)
        questions = [one[1] for one in asked if not isinstance(one, AppError)]
        if not questions:
            return [one for one in asked if isinstance(one, AppError)]
        since = min(question.at for question in questions)
        to_come = Counter(booked) + Counter(one.contact.account for one in questions if one.contact.account)
        histories = iter(self._at.reader.histories(session, questions, since, known, to_come=to_come))
        return [one if isinstance(one, AppError) else BatchRow(*one, next(histories)) for one in asked]

    def asked(
        self,
        session: Session,
        known: Rules,
        items: Sequence[schemas.QuestionIn | AppError],
        now: datetime,
    ) -> list[tuple[str, Question] | AppError]:
        """Return who each item is about (contact id, else match key) and what it asks, or what is wrong with it."""
        found: list[tuple[str, Question] | AppError] = []
        for item, subject in zip(items, self.subjects(session, items), strict=True):
            question = self._question_or_error(session, known, item, subject, now)
            if isinstance(question, AppError):
                found.append(question)
            else:
                assert isinstance(subject, Subject), "an unreadable person has no question"
                found.append((question.contact.id or subject.email or "", question))
        return found

    def _question_or_error(
        self,
        session: Session,
        known: Rules,
        item: schemas.QuestionIn | AppError,
        subject: Subject | AppError,
        now: datetime,
    ) -> Question | AppError:
        if isinstance(item, AppError):
            return item
        if isinstance(subject, AppError):
            return subject
        try:
            check_team(session, known, item.team)
            return self._at.question(subject, item, asked_time(item.at, now))
        except AppError as error:
            return error

    def subjects(self, session: Session, items: Sequence[schemas.QuestionIn | AppError]) -> list[Subject | AppError]:
        """Return the person of each item, or why there is none; a handful of statements for any number."""
        keys = [_key_or_error(item) for item in items]
        owners = people.find_owners(session, "email", (key for key in keys if isinstance(key, str)))
        ids = {item.contact for item in items if isinstance(item, schemas.QuestionIn) and item.contact}
        persons = people.find_people(session, ids | set(owners.values()))
        moved = {person.merged_into for person in persons.values() if person.merged_into}
        persons |= people.find_people(session, moved - persons.keys())
        found: list[Subject | AppError] = []
        for item, key in zip(items, keys, strict=True):
            if isinstance(item, AppError):
                found.append(item)
            elif isinstance(key, AppError):
                found.append(key)
            else:
                contact = owners.get(key) if key is not None else item.contact
                found.append(self._subject(persons, contact, key))
        return found

    def _subject(
        self, persons: Mapping[str, people.Person], contact: str | None, key: str | None
    ) -> Subject | AppError:
        if contact is None:
            assert key is not None, "a question names a contact or an address"
            return self._at.reader.stranger(key)
        person = persons.get(contact)
        if person is not None and person.merged_into is not None:
            person = persons.get(person.merged_into)
        if person is None:
            return not_found(contact)
        if person.erased_at is not None:
            return erased(contact)
        return self._at.reader.known(person, key)


def _key_or_error(item: schemas.QuestionIn | AppError) -> str | AppError | None:
    if isinstance(item, AppError) or item.email is None:
        return None
    try:
        return email_key(item.email)
    except AppError as error:
        return error


def read_item(model: type[M], item: Mapping[str, Any], defaults: Mapping[str, Any]) -> M | AppError:
    """Return the item with the defaults filled in, or what is wrong with it."""
    try:
        return model.model_validate({**defaults, **item})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        return InvalidInput("invalid_input", f"{field or 'item'}: {first['msg']}", field=field)


def too_many(count: int) -> TooLarge:
    return TooLarge(
        "too_many_items",
        f"The batch has {count} items, at most {schemas.MAX_BATCH} are taken at once: send it in parts.",
        max_items=schemas.MAX_BATCH,
    )


def item_out(answer: BatchAnswer, actor: Actor) -> schemas.BatchItemOut:
    """Return one line of a batch's answer, as the actor may have it."""
    if answer.error is not None:
        return schemas.BatchItemOut(
            index=answer.index,
            status=answer.status,
            error=answer.error.code,
            message=answer.error.message,
        )
    if answer.decision is None:
        return schemas.BatchItemOut(index=answer.index, status=answer.status, duplicate_of=answer.duplicate_of)
    decision = answer.decision
    if actor.hides_contacts:
        badge = Badge.ELIGIBLE if decision.badge is Badge.UNKNOWN_PERSON else decision.badge
        decision = replace(decision, contact=None, badge=badge)
    return schemas.BatchItemOut(
        index=answer.index,
        status=answer.status,
        decision=decision.decision.value,
        badge=decision.badge.value,
        contact=decision.contact,
        reasons=[reason.ref for reason in decision.reasons],
        next_eligible_at=decision.next_eligible_at,
    )


def count_badges(items: Sequence[schemas.BatchItemOut]) -> dict[str, int]:
    """Return how many people have which badge, repeated ones and errors counted apart."""
    words = Counter(item.badge or ("duplicate" if item.duplicate_of is not None else "error") for item in items)
    return dict(sorted(words.items()))
