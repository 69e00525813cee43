"""What every service of the registry works with, and the two steps they share: locking a person, judging one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session

from contact_registry import answers, schemas, transactions
from contact_registry.actor import Actor
from contact_registry.addresses import address_keys, email_key
from contact_registry.confinement import shown_to
from contact_registry.eligibility import evaluate
from contact_registry.messages import decision_message, reason_message
from contact_registry.peppers import PepperFile
from contact_registry.reading import Reader, Rules, Subject, team_of
from contact_registry.repeats import Repeats
from contact_registry.repository.locks import Locks, is_postgres
from contact_registry.timeline import Direction
from contact_registry.values import AddressKeys, Badge, Decision, Question
from core.clock import Clock
from core.database import Database
from core.errors import InvalidInput
from core.settings import Settings

T = TypeVar("T")


def go_on() -> None:
    """Do nothing between the check and the insert; tests pause here to let another claim in."""


@dataclass(frozen=True, slots=True)
class Workplace:
    database: Database
    clock: Clock
    settings: Settings
    locks: Locks
    peppers: PepperFile
    reader: Reader
    repeats: Repeats
    before_insert: Callable[[], None] = go_on

    def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in one write transaction, again if the database asks for it."""
        return transactions.run(self.database, work)

    def lock_person(self, session: Session, contact: str | None, email: str | None) -> Subject:
        """Return the person with their account and themselves locked; a stranger as they are."""
        subject = self.reader.subject(session, contact, email)
        if subject.view.id is None or not is_postgres(session):
            return subject
        self.locks.accounts(session, [subject.view.account] if subject.view.account else [])
        self.locks.contacts(session, [subject.view.id])
        again = self.reader.subject(session, contact, email)
        if (again.view.id, again.view.account) != (subject.view.id, subject.view.account):
            raise transactions.ChangedMeanwhileError
        return again

    def keys_of(self, email: str) -> AddressKeys:
        return address_keys(email_key(email), self.peppers.all)

    def question(self, subject: Subject, asked: schemas.QuestionIn | schemas.TouchpointIn, at: datetime) -> Question:
        """Return the question in the rules' own terms."""
        address = subject.email_keys if asked.address is None else self.keys_of(asked.address)
        return Question(
            contact=subject.view,
            at=at,
            team=asked.team,
            channel=asked.channel,
            purpose=asked.purpose,
            engagement=asked.engagement,
            direction=Direction(asked.direction),
            address=address,
        )

    def judge(self, session: Session, known: Rules, question: Question, now: datetime) -> Decision:
        """Return the decision on the log as this transaction sees it."""
        history = self.reader.histories(session, [question], question.at, known)[0]
        return evaluate(known.book, history, question, now)

    def check_out(self, decision: Decision, known: Rules, actor: Actor) -> schemas.CheckOut:
        """Return the answer in words, as the actor may have it."""
        zone = decision.zone
        if actor.hides_contacts:  # the name of the company, and whether the person is on file, would tell who it is
            badge = Badge.ELIGIBLE if decision.badge is Badge.UNKNOWN_PERSON else decision.badge
            decision = replace(decision, account_name=None, badge=badge)
        answer = schemas.CheckOut(
            decision="eligible" if decision.eligible else "ineligible",
            status=decision.status.value,
            badge=decision.badge.value,
            contact=decision.contact,
            at=decision.at,
            checked_at=decision.checked_at,
            policy_version=decision.policy_version,
            next_eligible_at=decision.next_eligible_at,
            may_improve_at=decision.may_improve_at,
            tz=schemas.ZoneOut(name=zone, source=decision.zone_source.value),
            message=decision_message(decision, known.teams, actor.sees_privacy),
            reasons=[
                answers.reason_out(reason, reason_message(reason, decision, known.teams, actor.sees_privacy))
                for reason in decision.reasons
            ],
        )
        return shown_to(actor, answer)


def asked_time(at: datetime | None, now: datetime) -> datetime:
    """Return the time that is asked about: now when none was named. Raises InvalidInput `at_in_past`."""
    if at is None:
        return now
    require_future(at, now)
    return at


def require_future(at: datetime, now: datetime) -> None:
    """Raise InvalidInput `at_in_past`: only facts may lie behind us."""
    if at < now:
        raise InvalidInput(
            "at_in_past",
            "The asked time has passed: ask about now or later, or record what took place as a fact.",
            field="at",
        )


def check_team(session: Session, known: Rules, team: str) -> None:
    """Raise InvalidInput `unknown_team`."""
    team_of(session, known, team)
