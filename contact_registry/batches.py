"""Claims of many people in one transaction: all or nothing, or each item by itself."""

from collections.abc import Sequence

from sqlmodel import Session

from contact_registry import schemas
from contact_registry.actor import Actor
from contact_registry.claims import ClaimService, Proposal, Refused, check_override, read_ttl
from contact_registry.confinement import with_own_team, within_team
from contact_registry.questions import QuestionService, read_item, too_many
from contact_registry.reading import Rules, Subject
from contact_registry.repeats import RequestKey
from contact_registry.repository.locks import is_postgres
from contact_registry.values import TouchpointStatus
from contact_registry.workplace import Workplace, check_team
from core.errors import AppError, Conflict


class BatchNotEligible(Conflict):
    """An atomic batch of which at least one item was refused; nothing was stored."""

    title = "Batch not eligible"


class BatchService:
    def __init__(self, workplace: Workplace, claims: ClaimService, questions: QuestionService) -> None:
        self._at = workplace
        self._claims = claims
        self._questions = questions

    def reserve(
        self, asked: schemas.BatchReserveIn, actor: Actor, request: RequestKey | None = None
    ) -> schemas.BatchOut:
        """Reserve each item in order. Raises BatchNotEligible when `atomic` and one is refused; TooLarge."""
        if len(asked.items) > schemas.MAX_BATCH:
            raise too_many(len(asked.items))
        defaults = with_own_team(asked.defaults.model_dump(exclude_none=True), actor)
        items = within_team([read_item(schemas.ReserveIn, item, defaults) for item in asked.items], actor)
        answer, failed = self._at.write(lambda session: self._reserve(session, asked, items, actor, request))
        if asked.atomic and failed:
            raise BatchNotEligible(
                "batch_not_eligible",
                "At least one item was refused, so none was reserved.",
                items=answer.model_dump(mode="json", exclude_none=True)["items"],
                policy_version=answer.policy_version,
            )
        return answer

    def _reserve(
        self,
        session: Session,
        asked: schemas.BatchReserveIn,
        items: Sequence[schemas.ReserveIn | AppError],
        actor: Actor,
        request: RequestKey | None,
    ) -> tuple[schemas.BatchOut, bool]:
        stored = self._at.repeats.find(session, request)
        if stored is not None:
            if stored.body is None:
                raise Conflict("answer_forgotten", "A person of this request was erased since.")
            return schemas.BatchOut.model_validate(stored.body), stored.status == 409
        self._at.locks.rules_shared(session)
        known = self._at.reader.rules(session)
        self._lock_all(session, items)
        now = self._at.locks.now(session, self._at.clock)
        savepoint = session.begin_nested()
        out: list[schemas.BatchItemOut] = []
        for index, item in enumerate(items):
            out.append(self._one(session, known, index, item, actor))
        failed = any(item.status != 201 for item in out)
        if asked.atomic and failed:
            savepoint.rollback()
            out = [_undone(item) for item in out]
        else:
            savepoint.commit()
        answer = schemas.BatchOut(policy_version=known.book.version, checked_at=now, items=out)
        refused = asked.atomic and failed
        self._at.repeats.keep(
            session,
            request,
            status=409 if refused else 207,
            body=answer.model_dump(mode="json"),
            at=now,
        )
        return answer, refused

    def _lock_all(self, session: Session, items: Sequence[schemas.ReserveIn | AppError]) -> None:
        """Lock every account and every contact of the batch, each kind in one go and in order."""
        if not is_postgres(session):
            return
        subjects = [s for s in self._questions.subjects(session, items) if isinstance(s, Subject)]
        self._at.locks.accounts(session, [s.view.account for s in subjects if s.view.account])
        self._at.locks.contacts(session, [s.view.id for s in subjects if s.view.id])

    def _one(
        self,
        session: Session,
        known: Rules,
        index: int,
        item: schemas.ReserveIn | AppError,
        actor: Actor,
    ) -> schemas.BatchItemOut:
        if isinstance(item, AppError):
            return _error(index, item)
        savepoint = session.begin_nested()
        try:
            check_override(item.override, actor)
            check_team(session, known, item.team)
            proposal = Proposal(item, item.at, TouchpointStatus.RESERVED, ttl=read_ttl(item.ttl))
            subject = self._at.lock_person(session, item.contact, item.email)
            now = self._at.locks.now(session, self._at.clock)
            outcome = self._claims.place(session, known, subject, proposal, actor, now)
        except AppError as error:
            savepoint.rollback()
            return _error(index, error)
        savepoint.commit()
        if isinstance(outcome, Refused):
            return schemas.BatchItemOut(
                index=index,
                status=409,
                decision="ineligible",
                badge=outcome.body["badge"],
                contact=outcome.body["contact"],
                reasons=[reason["ref"] for reason in outcome.body["reasons"]],
                next_eligible_at=outcome.body["next_eligible_at"],
                error="not_eligible",
                message=outcome.body["message"],
            )
        return schemas.BatchItemOut(index=index, status=201, contact=outcome.contact, reservation=outcome)


def _error(index: int, error: AppError) -> schemas.BatchItemOut:
    return schemas.BatchItemOut(index=index, status=error.status, error=error.code, message=error.message)


def _undone(item: schemas.BatchItemOut) -> schemas.BatchItemOut:
    if item.status != 201:
        return item
    return schemas.BatchItemOut(
        index=item.index,
        status=424,
        error="batch_not_eligible",
        message="Not reserved, because another item of the batch was refused.",
    )
