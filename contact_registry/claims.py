"""Claims: the only thing that binds. Reserve and book judge the proposal again inside a transaction that holds the
locks, and store the touchpoint or the refusal with everything that follows from it.

What becomes of a claim later (confirm, release, move, outcome) stands in `changes.py`, facts in `facts.py`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from contact_registry import answers, overrides, schemas
from contact_registry.actor import Actor
from contact_registry.durations import DurationError, parse_duration
from contact_registry.eligibility import evaluate
from contact_registry.instants import write_instant
from contact_registry.overrides import Override, Settlement
from contact_registry.raising import Change, Raiser
from contact_registry.reading import Rules, Subject
from contact_registry.registrar import add_stranger
from contact_registry.repeats import RequestKey
from contact_registry.repository import touchpoints
from contact_registry.tables import Touchpoint
from contact_registry.tables_of_record import RepeatedRequest
from contact_registry.transactions import ChangedMeanwhileError
from contact_registry.values import Decision, History, Question, TouchpointStatus
from contact_registry.workplace import Workplace, asked_time, check_team
from core.audit import record_event
from core.errors import Conflict, Forbidden, InvalidInput
from core.ids import new_id

LONGEST_HOLD = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A claim as it was asked: `status` is what it becomes, `ttl` how long a reservation holds."""

    asked: schemas.ClaimIn | schemas.TouchpointIn
    at: datetime | None  # None: now, when it is judged
    status: TouchpointStatus
    ttl: timedelta | None = None
    source: str | None = None
    name: str | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A claim that the present state refuses; the transaction still commits, to remember the refusal."""

    body: dict[str, Any]


class ClaimService:
    def __init__(self, workplace: Workplace, raiser: Raiser) -> None:
        self._at = workplace
        self._raiser = raiser

    def reserve(
        self, asked: schemas.ReserveIn, actor: Actor, request: RequestKey | None = None
    ) -> schemas.TouchpointOut:
        """Hold the person for a while. Raises NotEligible, Forbidden, InvalidInput, NotFound, Gone."""
        proposal = Proposal(asked, asked.at, TouchpointStatus.RESERVED, ttl=read_ttl(asked.ttl))
        return self._claim(proposal, actor, request)

    def book(
        self, asked: schemas.TouchpointIn, actor: Actor, request: RequestKey | None = None
    ) -> schemas.TouchpointOut:
        """Plan the contact at once. Raises as `reserve` does."""
        assert asked.at is not None, "a planned touchpoint has an instant"
        proposal = Proposal(
            asked,
            asked.at,
            TouchpointStatus.PLANNED,
            source=asked.source,
            name=asked.name,
            duration_ms=asked.duration_ms,
        )
        return self._claim(proposal, actor, request)

    def _claim(self, proposal: Proposal, actor: Actor, request: RequestKey | None) -> schemas.TouchpointOut:
        check_override(proposal.asked.override, actor)
        outcome = self._at.write(lambda session: self._try(session, proposal, actor, request))
        if isinstance(outcome, Refused):
            raise answers.refusal_from(outcome.body)
        return outcome

    def _try(
        self, session: Session, proposal: Proposal, actor: Actor, request: RequestKey | None
    ) -> schemas.TouchpointOut | Refused:
        stored = self._at.repeats.find(session, request)
        if stored is not None:
            return self._again(stored)
        self._at.locks.rules_shared(session)
        known = self._at.reader.rules(session)
        check_team(session, known, proposal.asked.team)
        subject = self._at.lock_person(session, proposal.asked.contact, proposal.asked.email)
        now = self._at.locks.now(session, self._at.clock)
        earlier = self._sent_before(session, proposal, actor)
        if earlier is not None:
            return answers.touchpoint_out(earlier, now)
        return self.place(session, known, subject, proposal, actor, now, request)

    def place(
        self,
        session: Session,
        known: Rules,
        subject: Subject,
        proposal: Proposal,
        actor: Actor,
        now: datetime,
        request: RequestKey | None = None,
    ) -> schemas.TouchpointOut | Refused:
        """Judge and store one proposal about a locked person, with its audit event and its answer."""
        at = asked_time(proposal.at, now)
        question = self._at.question(subject, proposal.asked, at)
        history = self._at.reader.histories(session, [question], min(at, now), known)[0]
        decision = evaluate(known.book, history, question, now)
        settlement = overrides.settle(decision, as_override(proposal.asked.override))
        if not settlement.passes:
            body = answers.refusal_body(self._remaining(decision, settlement, known, actor))
            self._at.repeats.keep(session, request, status=409, body=body, at=now, contact_id=decision.contact)
            return Refused(body)
        self._at.before_insert()
        row, view_question = self._insert(session, known, subject, question, proposal, settlement, actor, now)
        answer = self._follow_up(session, known, view_question, history, row, actor, now, not subject.is_known)
        self._at.repeats.keep(
            session,
            request,
            status=201,
            body=answer.model_dump(mode="json"),
            at=now,
            subject_id=row.id,
            contact_id=row.contact_id,
        )
        return answer

    def _remaining(self, decision: Decision, settlement: Settlement, known: Rules, actor: Actor) -> schemas.CheckOut:
        check = self._at.check_out(decision, known, actor)
        refusing = {reason.ref for reason in settlement.refusing}
        return check.model_copy(update={"reasons": [reason for reason in check.reasons if reason.ref in refusing]})

    def _insert(
        self,
        session: Session,
        known: Rules,
        subject: Subject,
        question: Question,
        proposal: Proposal,
        settlement: Settlement,
        actor: Actor,
        now: datetime,
    ) -> tuple[Touchpoint, Question]:
        """Add the touchpoint, and the person if nobody has them on file."""
        asked = proposal.asked
        if subject.view.id is None:
            assert asked.email is not None, "strangers are named by an address"
            contact = add_stranger(session, asked.email, now, proposal.name)
            if contact is None:
                raise ChangedMeanwhileError
            question = self._at.question(self._at.reader.subject(session, contact.id, None), asked, question.at)
        row = Touchpoint(
            id=new_id("tp"),
            contact_id=question.contact.id,
            account_id=question.contact.account,
            at=question.at,
            team=asked.team,
            channel=asked.channel,
            purpose=asked.purpose,
            direction=asked.direction,
            engagement=asked.engagement,
            status=proposal.status.value,
            expires_at=None if proposal.ttl is None else now + proposal.ttl,
            duration_ms=proposal.duration_ms,
            source=proposal.source or actor.source,
            external_id=asked.external_id,
            notes=asked.notes,
            overrides=override_record(asked.override, settlement, actor, known, now),
            policy_version=known.book.version,
            created_by=actor.id,
            created_at=now,
            updated_at=now,
        )
        session.add(row)
        session.flush()
        return row, question

    def _follow_up(
        self,
        session: Session,
        known: Rules,
        question: Question,
        history: History,
        row: Touchpoint,
        actor: Actor,
        now: datetime,
        is_new_contact: bool,
    ) -> schemas.TouchpointOut:
        """Raise conflicts, write the one audit event, word the answer."""
        fact = touchpoints.as_fact(row)
        change = Change("claim", row.id, now)
        conflicts = self._raiser.after_fact(session, known, question.contact, history, fact, change)
        detail: dict[str, Any] = {"contact": row.contact_id, "policy_version": known.book.version}
        if row.overrides is not None:
            detail["overridden"] = row.overrides["refs"]
        if is_new_contact:
            detail["contact_created"] = True
        is_hold = row.status == TouchpointStatus.RESERVED
        record_event(
            session,
            at=now,
            actor=actor.id,
            action="reservation.created" if is_hold else "touchpoint.booked",
            subject_type="touchpoint",
            subject_id=row.id,
            detail=detail,
        )
        session.flush()
        return answers.touchpoint_out(row, now, conflicts)

    def _again(self, stored: RepeatedRequest) -> schemas.TouchpointOut | Refused:
        if stored.body is None:
            raise Conflict(
                "answer_forgotten", "The person of this request was erased since: nothing is left to repeat."
            )
        if stored.status == 409:
            return Refused(stored.body)
        return schemas.TouchpointOut.model_validate(stored.body)

    def _sent_before(self, session: Session, proposal: Proposal, actor: Actor) -> Touchpoint | None:
        """Return the touchpoint that this external id already names: it is never claimed twice."""
        external_id = proposal.asked.external_id
        if external_id is None:
            return None
        source = proposal.source or actor.source
        return touchpoints.find_by_external_ids(session, source, [external_id]).get(external_id)


def read_ttl(text: str) -> timedelta:
    """Return how long a hold lasts. Raises InvalidInput `invalid_ttl`."""
    try:
        ttl = parse_duration(text).elapsed
    except DurationError as error:
        raise _invalid_ttl() from error
    if not timedelta(0) < ttl <= LONGEST_HOLD:
        raise _invalid_ttl()
    return ttl


def _invalid_ttl() -> InvalidInput:
    return InvalidInput(
        "invalid_ttl", "ttl is an ISO 8601 duration such as PT15M, longer than nothing and at most PT72H.", field="ttl"
    )


def as_override(asked: schemas.OverrideIn | None) -> Override | None:
    """Return the override in the rules' own terms."""
    return None if asked is None else Override(frozenset(asked.refs), asked.reason, asked.reason_code)


def check_override(asked: schemas.OverrideIn | None, actor: Actor) -> None:
    """Raise InvalidInput `override_reason_required` or Forbidden `override_not_permitted`, whatever the state."""
    override = as_override(asked)
    if override is None:
        return
    overrides.check_override(override)
    if not actor.may_override:
        raise Forbidden("override_not_permitted", "You may not pass over contact rules: ask an administrator.")


def override_record(
    asked: schemas.OverrideIn | None, settlement: Settlement, actor: Actor, known: Rules, now: datetime
) -> dict[str, Any] | None:
    """Return what a touchpoint keeps of the override that let it through; None when none was needed."""
    if asked is None or not settlement.overridden:
        return None
    return {
        "refs": list(settlement.overridden),
        "reason": asked.reason.strip(),
        "reason_code": asked.reason_code,
        "by": actor.id,
        "at": write_instant(now),
        "policy_version": known.book.version,
    }
