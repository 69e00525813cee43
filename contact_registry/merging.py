"""Two contacts that are one person: merged so that restrictions add up, and taken apart again if that was wrong."""

from datetime import datetime

from sqlmodel import Session

from contact_registry.actor import Actor
from contact_registry.raising import Change, Raiser
from contact_registry.reading import Rules, erased, not_found
from contact_registry.repository import merging, people, stops
from contact_registry.repository.locks import is_postgres
from contact_registry.schemas_people import MergeOut
from contact_registry.tables import Consent, Contact
from contact_registry.transactions import ChangedMeanwhileError
from contact_registry.workplace import Workplace
from core.audit import record_event
from core.errors import Conflict, InvalidInput

_FILLED = ("name", "account_id", "tz")


class MergeService:
    def __init__(self, workplace: Workplace, raiser: Raiser) -> None:
        self._at = workplace
        self._raiser = raiser

    def merge(self, into: str, source: str, actor: Actor) -> MergeOut:
        """Make `source` a redirect to `into`; everything of theirs moves, blank fields are filled.

        Bookings that now collide are listed, not cancelled. A second time changes nothing. Raises InvalidInput
        `merge_into_self`, NotFound, Gone.
        """
        if into == source:
            raise InvalidInput("merge_into_self", "A contact cannot be merged into itself.", field="from")

        def work(session: Session) -> MergeOut:
            self._at.locks.rules_shared(session)
            known = self._at.reader.rules(session)
            survivor, gone = self._lock_two(session, into, source)
            if survivor.id == gone.id:
                if source == gone.id:  # `into` had been merged into `source`: the other way round
                    raise Conflict("merged_already", f"{into} was merged into {source} before.", contact=source)
                return MergeOut(into=survivor.id, merged=source, noop=True)
            now = self._at.locks.now(session, self._at.clock)
            found = self._merge(session, known, survivor, gone, now)
            record_event(
                session,
                at=now,
                actor=actor.id,
                action="contact.merged",
                subject_type="contact",
                subject_id=survivor.id,
                detail={"from": gone.id},
            )
            return MergeOut(into=survivor.id, merged=source, noop=False, new_conflicts=list(found))

        return self._at.write(work)

    def _lock_two(self, session: Session, into: str, source: str) -> tuple[Contact, Contact]:
        """Return both as they are under the locks, redirects followed."""
        first = self._at.reader.person(session, into)
        second = self._at.reader.person(session, source)
        self._at.locks.accounts(session, [p.account for p in (first, second) if p.account])
        self._at.locks.contacts(session, [first.id, second.id])
        if is_postgres(session):
            again = (self._at.reader.person(session, into), self._at.reader.person(session, source))
            if [(p.id, p.account) for p in again] != [(p.id, p.account) for p in (first, second)]:
                raise ChangedMeanwhileError
        rows = people.contact_rows(session, [first.id, second.id])
        return rows[first.id], rows[second.id]

    def _merge(
        self, session: Session, known: Rules, survivor: Contact, gone: Contact, now: datetime
    ) -> dict[str, tuple[str, ...]]:
        before: dict[str, tuple[str, ...]] = {}
        for view, history in self._raiser.histories_of(session, known, [survivor.id, gone.id], now):
            before |= self._raiser.refused_bookings(known, view, history, now)
        filled = [name for name in _FILLED if getattr(survivor, name) is None and getattr(gone, name) is not None]
        for name in filled:
            setattr(survivor, name, getattr(gone, name))
        self._carry_withdrawals(session, survivor, gone, now)
        gone.merged_into, gone.merge_filled = survivor.id, filled
        gone.updated_at = survivor.updated_at = now
        session.flush()
        merging.move_everything(session, gone.id, survivor.id)
        session.expire_all()
        view, history = self._raiser.histories_of(session, known, [survivor.id], now)[0]
        after = self._raiser.refused_bookings(known, view, history, now)
        found = {key: refs for key, refs in after.items() if not set(refs) <= set(before.get(key, ()))}
        self._raiser.note(session, dict(found), Change("merge", gone.id, now))
        return found

    def _carry_withdrawals(self, session: Session, survivor: Contact, gone: Contact, now: datetime) -> None:
        """Say again what either of them has withdrawn and the other grants, no earlier than that grant.

        The latest word decides in one person's log; between two logs that become one, the stricter does. The line
        belongs to whom it is carried from, so it leaves with them when the merge is undone.
        """
        logs = [stops.consent_rows(session, contact.id) for contact in (survivor, gone)]
        for log, other in (logs, reversed(logs)):
            granted: dict[str, datetime] = {}
            for row in other:
                if row.state == "granted":
                    granted[row.purpose] = max(granted.get(row.purpose, now), row.effective_from)
            last = {(row.purpose, row.channel): row for row in sorted(log, key=_in_order) if row.effective_from <= now}
            for row in last.values():
                if row.state == "withdrawn" and row.purpose in granted:
                    session.add(stops.withdrawn_again(row, granted[row.purpose], now))

    def unmerge(self, contact_id: str, actor: Actor) -> MergeOut:
        """Give a merged contact its own things back. Raises Conflict `not_merged`, NotFound, Gone."""

        def work(session: Session) -> MergeOut:
            self._at.locks.rules_shared(session)
            gone = people.contact_rows(session, [contact_id]).get(contact_id)
            if gone is None:
                raise not_found(contact_id)
            if gone.erased_at is not None:
                raise erased(contact_id)
            if gone.merged_into is None:
                raise Conflict("not_merged", "This contact is not merged into another one.")
            self._at.locks.contacts(session, [gone.merged_into, gone.id])
            session.refresh(gone)
            if gone.merged_into is None:
                raise ChangedMeanwhileError
            survivor = people.contact_rows(session, [gone.merged_into])[gone.merged_into]
            now = self._at.locks.now(session, self._at.clock)
            for name in gone.merge_filled:
                if getattr(survivor, name) == getattr(gone, name):
                    setattr(survivor, name, None)
            gone.merged_into, gone.merge_filled = None, []
            gone.updated_at = survivor.updated_at = now
            session.flush()
            merging.move_back(session, gone.id, survivor.id)
            record_event(
                session,
                at=now,
                actor=actor.id,
                action="contact.unmerged",
                subject_type="contact",
                subject_id=gone.id,
                detail={"from": survivor.id},
            )
            return MergeOut(into=survivor.id, merged=gone.id, noop=False)

        return self._at.write(work)


def _in_order(row: Consent) -> tuple[datetime, bool, str]:
    return row.effective_from, row.state == "withdrawn", row.id
