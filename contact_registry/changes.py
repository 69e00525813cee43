"""What becomes of a touchpoint after it was claimed: confirmed, released, moved, its outcome told, or voided.

Every change locks as a claim does, reads the row again under the locks and writes one audit event.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from contact_registry import answers, overrides, schemas
from contact_registry.actor import Actor
from contact_registry.claims import LONGEST_HOLD, as_override, check_override, override_record, read_ttl
from contact_registry.conflicts import question_of
from contact_registry.eligibility import evaluate
from contact_registry.raising import Change, Raiser
from contact_registry.reading import Rules, Subject
from contact_registry.repository import conflicts, touchpoints
from contact_registry.tables import Touchpoint
from contact_registry.transactions import ChangedMeanwhileError
from contact_registry.values import PolicyKind, TouchpointStatus
from contact_registry.workplace import Workplace, require_future
from core.audit import record_event
from core.errors import Conflict, InvalidInput, NotFound, PreconditionFailed

CLOCK_TOLERANCE = timedelta(minutes=5)  # a fact may lie this far ahead: callers' clocks differ

_NEXT = {
    TouchpointStatus.RESERVED: {TouchpointStatus.CANCELLED, TouchpointStatus.VOIDED},
    TouchpointStatus.PLANNED: {
        TouchpointStatus.COMPLETED,
        TouchpointStatus.NO_SHOW,
        TouchpointStatus.CANCELLED,
        TouchpointStatus.VOIDED,
    },
    TouchpointStatus.COMPLETED: {TouchpointStatus.NO_SHOW, TouchpointStatus.VOIDED},
    TouchpointStatus.NO_SHOW: {TouchpointStatus.COMPLETED, TouchpointStatus.VOIDED},
    TouchpointStatus.CANCELLED: {TouchpointStatus.VOIDED},
    TouchpointStatus.EXPIRED: {TouchpointStatus.VOIDED},
}


@dataclass(frozen=True, slots=True)
class Held:
    """A touchpoint whose person is locked; `status` as of `now`."""

    row: Touchpoint
    status: TouchpointStatus
    subject: Subject | None  # None: the person was erased
    known: Rules
    now: datetime


class ChangeService:
    def __init__(self, workplace: Workplace, raiser: Raiser) -> None:
        self._at = workplace
        self._raiser = raiser

    def get(self, touchpoint_id: str) -> schemas.TouchpointOut:
        """Return the touchpoint as it is now. Raises NotFound `touchpoint_not_found`."""
        with self._at.database.read() as session:
            row = touchpoints.find_touchpoint(session, touchpoint_id)
            if row is None:
                raise touchpoint_not_found(touchpoint_id)
            return answers.touchpoint_out(row, self._at.locks.now(session, self._at.clock))

    def confirm(self, touchpoint_id: str, actor: Actor) -> schemas.TouchpointOut:
        """Turn a live reservation into a plan; a plan stays one.

        Only stops and consent are judged again. Raises Conflict `reservation_expired`, `touchpoint_cancelled`,
        NotEligible, NotFound.
        """

        def work(session: Session, held: Held) -> schemas.TouchpointOut:
            if held.status in (
                TouchpointStatus.PLANNED,
                TouchpointStatus.COMPLETED,
                TouchpointStatus.NO_SHOW,
            ):
                return answers.touchpoint_out(held.row, held.now)
            if held.status is TouchpointStatus.EXPIRED:
                raise Conflict("reservation_expired", "The reservation has lapsed: reserve again, if it is still free.")
            if held.status is not TouchpointStatus.RESERVED or held.subject is None:
                raise _ended(held.status)
            self._require_permission(session, held, held.subject, actor)
            held.row.status = TouchpointStatus.PLANNED.value
            held.row.expires_at = None
            return self._finish(session, held, actor, "reservation.confirmed")

        return self._change(touchpoint_id, None, work)

    def release(self, touchpoint_id: str, actor: Actor) -> schemas.TouchpointOut:
        """Give a reservation up; one that lapsed or was given up stays so. Raises Conflict `already_confirmed`."""

        def work(session: Session, held: Held) -> schemas.TouchpointOut:
            if held.status in (TouchpointStatus.CANCELLED, TouchpointStatus.EXPIRED):
                return answers.touchpoint_out(held.row, held.now)
            if held.status is not TouchpointStatus.RESERVED:
                raise Conflict("already_confirmed", "This is no reservation any more: cancel the touchpoint instead.")
            held.row.status = TouchpointStatus.CANCELLED.value
            return self._finish(session, held, actor, "reservation.released")

        return self._change(touchpoint_id, None, work)

    def extend(self, touchpoint_id: str, ttl: str, actor: Actor) -> schemas.TouchpointOut:
        """Let a live reservation hold for `ttl` from now, in all never longer than LONGEST_HOLD.

        Raises InvalidInput `invalid_ttl`, Conflict `reservation_expired`, `longest_hold`, `touchpoint_…`.
        """
        length = read_ttl(ttl)

        def work(session: Session, held: Held) -> schemas.TouchpointOut:
            if held.status is not TouchpointStatus.RESERVED or held.row.expires_at is None:
                raise _ended(held.status)
            latest = held.row.created_at + LONGEST_HOLD
            if held.row.expires_at >= latest:
                raise Conflict("longest_hold", "It has been held as long as it may be: confirm or release it.")
            held.row.expires_at = max(held.row.expires_at, min(held.now + length, latest))
            return self._finish(session, held, actor, "reservation.extended")

        return self._change(touchpoint_id, None, work)

    def set_outcome(
        self, touchpoint_id: str, outcome: str, actor: Actor, revision: int | None = None
    ) -> schemas.TouchpointOut:
        """Say how it ended: completed, no_show, cancelled, or voided when it should never have been entered.

        Raises Conflict `invalid_transition`, InvalidInput `completed_in_future`.
        """
        wanted = TouchpointStatus("completed" if outcome == "held" else outcome)

        def work(session: Session, held: Held) -> schemas.TouchpointOut:
            if held.status is wanted:
                return answers.touchpoint_out(held.row, held.now)
            if wanted not in _NEXT.get(held.status, set()):
                raise Conflict(
                    "invalid_transition",
                    f"A touchpoint that is {held.status.value} cannot become {wanted.value}.",
                    from_status=held.status.value,
                    to_status=wanted.value,
                )
            require_took_place(held.row.at, wanted, held.now)
            held.row.status = wanted.value
            return self._finish(session, held, actor, f"touchpoint.{wanted.value}")

        return self._change(touchpoint_id, revision, work)

    def reschedule(
        self,
        touchpoint_id: str,
        at: datetime,
        actor: Actor,
        override: schemas.OverrideIn | None = None,
        revision: int | None = None,
    ) -> schemas.TouchpointOut:
        """Move a booking or a live hold; when the new time is refused the old one stays. Raises NotEligible."""
        check_override(override, actor)

        def work(session: Session, held: Held) -> schemas.TouchpointOut:
            if held.status not in (TouchpointStatus.PLANNED, TouchpointStatus.RESERVED) or held.subject is None:
                raise _ended(held.status)
            require_future(at, held.now)
            return self._move(session, held, held.subject, at, actor, override)

        return self._change(touchpoint_id, revision, work)

    def add_notes(self, touchpoint_id: str, notes: str, actor: Actor) -> schemas.TouchpointOut:
        """Replace the notes, which only the touchpoint's own team reads."""

        def work(session: Session, held: Held) -> schemas.TouchpointOut:
            held.row.notes = notes
            return self._finish(session, held, actor, "touchpoint.noted")

        return self._change(touchpoint_id, None, work)

    def _move(
        self,
        session: Session,
        held: Held,
        subject: Subject,
        at: datetime,
        actor: Actor,
        override: schemas.OverrideIn | None,
    ) -> schemas.TouchpointOut:
        row, known = held.row, held.known
        moved = replace(touchpoints.as_fact(row), at=at, date=None)
        question = question_of(moved, subject.view, known.book.tz)
        since = min(held.now, row.at)
        history = self._at.reader.histories(session, [question], since, known)[0]
        decision = evaluate(known.book, history, question, held.now)
        settlement = overrides.settle(decision, as_override(override))
        if not settlement.passes:
            raise answers.not_eligible(self._at.check_out(decision, known, actor))
        self._at.before_insert()
        row.at, row.on_date = at, None
        row.policy_version = known.book.version
        row.overrides = override_record(override, settlement, actor, known, held.now) or row.overrides
        session.flush()
        conflicts.resolve_conflicts(session, row.id, held.now)
        change = Change("reschedule", row.id, held.now)
        found = self._raiser.after_fact(session, known, subject.view, history, moved, change)
        return self._finish(session, held, actor, "touchpoint.rescheduled", found)

    def _require_permission(self, session: Session, held: Held, subject: Subject, actor: Actor) -> None:
        """Judge stops and consent again, which no reservation outlives."""
        book = held.known.book
        strict = replace(book, policies=tuple(p for p in book.policies if p.kind is PolicyKind.CONSENT_REQUIRED))
        question = question_of(touchpoints.as_fact(held.row), subject.view, book.tz)
        history = self._at.reader.histories(session, [question], held.now, held.known)[0]
        decision = evaluate(strict, history, question, held.now)
        if not decision.eligible:
            raise answers.not_eligible(self._at.check_out(decision, held.known, actor))

    def _change(
        self,
        touchpoint_id: str,
        revision: int | None,
        work: Callable[[Session, Held], schemas.TouchpointOut],
    ) -> schemas.TouchpointOut:
        return self._at.write(lambda session: work(session, self._hold(session, touchpoint_id, revision)))

    def _hold(self, session: Session, touchpoint_id: str, revision: int | None) -> Held:
        """Lock the touchpoint's person and read it again under the locks."""
        self._at.locks.rules_shared(session)
        known = self._at.reader.rules(session)
        row = touchpoints.find_touchpoint(session, touchpoint_id)
        if row is None:
            raise touchpoint_not_found(touchpoint_id)
        subject = None
        if row.contact_id is not None:
            contact = row.contact_id
            subject = self._at.lock_person(session, contact, None)
            row = touchpoints.find_touchpoint(session, touchpoint_id)
            if row is None or row.contact_id != subject.view.id:
                raise ChangedMeanwhileError
        now = self._at.locks.now(session, self._at.clock)
        if revision is not None and revision != row.revision:
            raise PreconditionFailed(
                "changed_meanwhile",
                f"The touchpoint is at revision {row.revision}: read it again and repeat your change.",
                revision=row.revision,
            )
        return Held(row, TouchpointStatus(answers.status_of(row, now)), subject, known, now)

    def _finish(
        self, session: Session, held: Held, actor: Actor, action: str, found: list[str] | None = None
    ) -> schemas.TouchpointOut:
        row = held.row
        row.updated_at = held.now
        row.revision += 1
        session.flush()
        if row.status not in touchpoints.OPEN_STATUSES:
            conflicts.resolve_conflicts(session, row.id, held.now)
        record_event(
            session,
            at=held.now,
            actor=actor.id,
            action=action,
            subject_type="touchpoint",
            subject_id=row.id,
            detail={"contact": row.contact_id, "status": row.status},
        )
        return answers.touchpoint_out(row, held.now, found or [])


def require_took_place(at: datetime, status: TouchpointStatus, now: datetime) -> None:
    """Raise InvalidInput `completed_in_future` for a fact that lies ahead."""
    if status in (TouchpointStatus.COMPLETED, TouchpointStatus.NO_SHOW) and at > now + CLOCK_TOLERANCE:
        raise InvalidInput(
            "completed_in_future", "What has not begun cannot have taken place: book it as planned.", field="at"
        )


def touchpoint_not_found(touchpoint_id: str) -> NotFound:
    return NotFound("touchpoint_not_found", f"There is no touchpoint {touchpoint_id[:40]!r}.")


def _ended(status: TouchpointStatus) -> Conflict:
    if status is TouchpointStatus.EXPIRED:
        return Conflict("reservation_expired", "The reservation has lapsed: reserve again, if it is still free.")
    return Conflict(
        f"touchpoint_{status.value}", f"The touchpoint is {status.value}: this can no longer be done with it."
    )
