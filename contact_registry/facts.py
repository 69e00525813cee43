"""What took place is never refused: it is stored, judged, and the bookings it pushes into conflict are listed.

The one exception is a person who was erased: nothing of theirs may come back.
"""

from datetime import UTC, datetime, time

from sqlmodel import Session

from contact_registry import answers, schemas
from contact_registry.actor import Actor
from contact_registry.changes import require_took_place
from contact_registry.confinement import check_own_team
from contact_registry.conflicts import question_of
from contact_registry.eligibility import failing_refs
from contact_registry.raising import Change, Raiser
from contact_registry.reading import Rules, Subject
from contact_registry.registrar import add_stranger
from contact_registry.repeats import RequestKey
from contact_registry.repository import conflicts, touchpoints
from contact_registry.tables import Touchpoint
from contact_registry.timeline import TouchpointFact
from contact_registry.transactions import ChangedMeanwhileError
from contact_registry.values import History, SuppressionSource, TouchpointStatus
from contact_registry.workplace import Workplace, check_team
from contact_registry.zones import first_instant, zone_of_contact
from core.audit import record_event
from core.errors import Conflict
from core.ids import new_id


class FactService:
    def __init__(self, workplace: Workplace, raiser: Raiser) -> None:
        self._at = workplace
        self._raiser = raiser

    def record(
        self, asked: schemas.TouchpointIn, actor: Actor, request: RequestKey | None = None
    ) -> schemas.TouchpointOut:
        """Store a fact; the same external id of the same source corrects the one there is.

        Raises InvalidInput `completed_in_future`, Conflict `do_not_store`, NotFound, Gone.
        """

        def work(session: Session) -> schemas.TouchpointOut:
            stored = self._at.repeats.find(session, request)
            if stored is not None:
                if stored.body is None:
                    raise Conflict("answer_forgotten", "The person of this request was erased since.")
                return schemas.TouchpointOut.model_validate(stored.body)
            self._at.locks.rules_shared(session)
            known = self._at.reader.rules(session)
            check_team(session, known, asked.team)
            subject = self._at.lock_person(session, asked.contact, asked.email)
            now = self._at.locks.now(session, self._at.clock)
            row, _, found = self.store(session, known, subject, asked, actor, now)
            answer = answers.touchpoint_out(row, now, found)
            body = answer.model_dump(mode="json")
            self._at.repeats.keep(
                session, request, status=201, body=body, at=now, subject_id=row.id, contact_id=row.contact_id
            )
            return answer

        return self._at.write(work)

    def of_source(self, source: str, external_id_start: str) -> list[schemas.TouchpointOut]:
        """Return the source's touchpoints whose external id begins so, of every status, oldest first.

        Unlike other answers these hold the external id of a recording's touchpoint: they are not for callers outside.
        """
        with self._at.database.read() as session:
            now = self._at.locks.now(session, self._at.clock)
            rows = touchpoints.find_by_external_id_start(session, source, external_id_start)
            return [
                answers.touchpoint_out(row, now).model_copy(update={"external_id": row.external_id}) for row in rows
            ]

    def store(
        self,
        session: Session,
        known: Rules,
        subject: Subject,
        asked: schemas.TouchpointIn,
        actor: Actor,
        now: datetime,
    ) -> tuple[Touchpoint, str, list[str]]:
        """Store one fact about a locked person: (row, created | updated | unchanged, new conflicts)."""
        status = TouchpointStatus("completed" if asked.status == "held" else asked.status)
        starts_at = self._starts_at(asked, subject, known)
        require_took_place(starts_at, status, now)
        subject, is_new_contact = self._settle_person(session, subject, asked, now)
        row = self._known_by_source(session, asked, actor)
        is_new = row is None
        if row is None:
            row = self._new_row(asked, subject, actor, now)
        else:
            check_own_team(row.team, actor)
        if not is_new and not self._differs(row, asked, subject, status):
            return row, "unchanged", []
        moved = asked.at if asked.at is not None else _day_in_utc(asked)
        row.contact_id = subject.view.id
        row.at, row.on_date, row.status = moved, asked.date, status.value
        row.team, row.channel, row.purpose = asked.team, asked.channel, asked.purpose
        row.direction, row.engagement = asked.direction, asked.engagement
        row.updated_at = now
        found = self._judge(session, known, subject, row, now)
        if not is_new:
            row.revision += 1
            if row.status not in touchpoints.OPEN_STATUSES:
                conflicts.resolve_conflicts(session, row.id, now)
        detail: dict[str, object] = {"contact": row.contact_id, "status": row.status}
        if is_new_contact:
            detail["contact_created"] = True
        record_event(
            session,
            at=now,
            actor=actor.id,
            action="touchpoint.recorded" if is_new else "touchpoint.corrected",
            subject_type="touchpoint",
            subject_id=row.id,
            detail=detail,
        )
        session.flush()
        return row, "created" if is_new else "updated", found

    def _judge(self, session: Session, known: Rules, subject: Subject, row: Touchpoint, now: datetime) -> list[str]:
        """Write the rules it broke into the row, add the row, and raise the conflicts it makes."""
        fact = touchpoints.as_fact(row, subject.view.tz or subject.view.account_tz)
        question = question_of(fact, subject.view, known.book.tz)
        with session.no_autoflush:
            history = self._history(session, known, subject, fact, question.at, now)
        counts = fact.status.value in known.statuses
        row.violations = list(failing_refs(known.book, history, question, now)) if counts else []
        session.add(row)
        session.flush()
        if not counts:
            return []
        return self._raiser.after_fact(session, known, subject.view, history, fact, Change("record", row.id, now))

    def _history(
        self,
        session: Session,
        known: Rules,
        subject: Subject,
        fact: TouchpointFact,
        at: datetime,
        now: datetime,
    ) -> History:
        question = question_of(fact, subject.view, known.book.tz)
        return self._at.reader.histories(session, [question], min(at, now), known)[0]

    def _starts_at(self, asked: schemas.TouchpointIn, subject: Subject, known: Rules) -> datetime:
        if asked.at is not None:
            return asked.at
        assert asked.date is not None, "a fact has an instant or a date"
        return first_instant(asked.date, zone_of_contact(subject.view, known.book.tz)[0])

    def _settle_person(
        self, session: Session, subject: Subject, asked: schemas.TouchpointIn, now: datetime
    ) -> tuple[Subject, bool]:
        """Return the person, added when nobody had them on file."""
        if subject.is_known:
            return subject, False
        assert asked.email is not None, "strangers are named by an address"
        if self.is_erased(session, subject):
            raise Conflict("do_not_store", "This person must not be contacted or kept on file: nothing was stored.")
        contact = add_stranger(session, asked.email, now, asked.name)
        if contact is None:
            raise ChangedMeanwhileError
        return self._at.reader.subject(session, contact.id, None), True

    def is_erased(self, session: Session, subject: Subject) -> bool:
        """Return whether a stranger's address belongs to somebody who asked for erasure."""
        stops = self._at.reader.stops_of(session, subject.view)
        return any(stop.source is SuppressionSource.ERASURE for stop in stops)

    def _known_by_source(self, session: Session, asked: schemas.TouchpointIn, actor: Actor) -> Touchpoint | None:
        if asked.external_id is None:
            return None
        source = asked.source or actor.source
        return touchpoints.find_by_external_ids(session, source, [asked.external_id]).get(asked.external_id)

    def _differs(
        self, row: Touchpoint, asked: schemas.TouchpointIn, subject: Subject, status: TouchpointStatus
    ) -> bool:
        stored = (row.contact_id, row.status, row.on_date, row.team, row.channel, row.purpose, row.direction)
        sent = (
            subject.view.id,
            status.value,
            asked.date,
            asked.team,
            asked.channel,
            asked.purpose,
            asked.direction,
        )
        same_time = asked.at is None or asked.at == row.at
        return stored != sent or not same_time or row.engagement != asked.engagement

    def _new_row(self, asked: schemas.TouchpointIn, subject: Subject, actor: Actor, now: datetime) -> Touchpoint:
        return Touchpoint(
            id=new_id("tp"),
            contact_id=subject.view.id,
            account_id=subject.view.account,
            at=asked.at if asked.at is not None else _day_in_utc(asked),
            team=asked.team,
            channel=asked.channel,
            purpose=asked.purpose,
            status=asked.status,
            duration_ms=asked.duration_ms,
            source=asked.source or actor.source,
            external_id=asked.external_id,
            notes=asked.notes,
            created_by=actor.id,
            created_at=now,
            updated_at=now,
        )


def _day_in_utc(asked: schemas.TouchpointIn) -> datetime:
    assert asked.date is not None, "a fact has an instant or a date"
    return datetime.combine(asked.date, time(0), tzinfo=UTC)
