"""Finding and noting the bookings that a change pushed into conflict, at the person and at their account.

Called inside the transaction of every claim, fact, merge, stop and change of rules; nothing is ever cancelled.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from contact_registry.conflicts import broken_rules, future_bookings, new_conflicts, question_of
from contact_registry.reading import Rules
from contact_registry.repository import people, touchpoints
from contact_registry.tables_of_record import BookingConflict
from contact_registry.timeline import TouchpointFact
from contact_registry.values import ContactView, History, Level, Question
from contact_registry.workplace import Workplace
from core.ids import new_id


@dataclass(frozen=True, slots=True)
class Change:
    """What happened, for the conflicts it raises: `cause` is a word, `cause_id` the touchpoint, stop or version."""

    cause: str
    cause_id: str | None
    at: datetime


def with_fact(history: History, fact: TouchpointFact, view: ContactView) -> History:
    """Return the history with one touchpoint more (or in its new place)."""
    account = history.account.without(fact.id)
    if fact.account is not None and fact.account == view.account:
        account = account.with_fact(fact)
    return replace(history, contact=history.contact.without(fact.id).with_fact(fact), account=account)


class Raiser:
    def __init__(self, workplace: Workplace) -> None:
        self._at = workplace

    def after_fact(
        self,
        session: Session,
        known: Rules,
        view: ContactView,
        history: History,
        fact: TouchpointFact,
        change: Change,
    ) -> list[str]:
        """Note and return the bookings that this touchpoint pushes into conflict, in order of time.

        `history` is the person's before it.
        """
        after = with_fact(history, fact, view)
        found = list(new_conflicts(known.book, view, history, after, change.at, besides=(fact.id,)))
        if fact.account is not None and fact.account == view.account and Level.ACCOUNT in known.reach:
            found += self._colleagues(session, known, view, history, after, change.at)
        self.note(session, {booking: [] for booking in found}, change)
        return found

    def _colleagues(
        self,
        session: Session,
        known: Rules,
        view: ContactView,
        before: History,
        after: History,
        now: datetime,
    ) -> list[str]:
        booked = touchpoints.booked_contacts(session, now, view.account) - {view.id}
        found: list[str] = []
        for colleague, history in self.histories_of(session, known, booked, now):
            found += new_conflicts(
                known.book,
                colleague,
                replace(history, account=before.account),
                replace(history, account=after.account),
                now,
            )
        return found

    def histories_of(
        self, session: Session, known: Rules, ids: Iterable[str], now: datetime
    ) -> list[tuple[ContactView, History]]:
        """Return people who can still be asked about, with their histories from `now` on, by id."""
        persons = people.find_people(session, ids)
        views = [
            self._at.reader.view(persons[key])
            for key in sorted(persons)
            if persons[key].merged_into is None and persons[key].erased_at is None
        ]
        questions = [
            Question(contact=view, at=now, team="", channel="", purpose="") for view in views
        ]  # only the person matters to what is read
        histories = self._at.reader.histories(session, questions, now, known, with_bookings=True)
        return list(zip(views, histories, strict=True))

    def refused_bookings(
        self, known: Rules, view: ContactView, history: History, now: datetime
    ) -> dict[str, tuple[str, ...]]:
        """Return the person's future bookings that rules refuse today, with those rules, in order of time."""
        refused = {
            booking.id: broken_rules(known.book, history, view, booking, now)
            for booking in future_bookings(history.contact, now)
        }
        return {booking: refs for booking, refs in refused.items() if refs}

    def note(self, session: Session, conflicts: dict[str, Sequence[str]], change: Change) -> None:
        """Store one open conflict per booking."""
        for booking, refs in conflicts.items():
            session.add(
                BookingConflict(
                    id=new_id("cfl"),
                    touchpoint_id=booking,
                    cause=change.cause,
                    cause_id=change.cause_id,
                    refs=list(refs),
                    raised_at=change.at,
                )
            )
        session.flush()


__all__ = ["Change", "Raiser", "question_of", "with_fact"]
