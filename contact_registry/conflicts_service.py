"""The inbox of bookings in conflict, and the registry's sizes."""

from contact_registry import answers
from contact_registry.repository import conflicts, people, touchpoints
from contact_registry.schemas_people import ConflictOut, StatsOut
from contact_registry.workplace import Workplace


class ConflictService:
    def __init__(self, workplace: Workplace) -> None:
        self._at = workplace

    def list_open(self, limit: int = 500) -> list[ConflictOut]:
        """Return bookings ahead that a change pushed into conflict and that were not moved since, newest first."""
        with self._at.database.read() as session:
            now = self._at.locks.now(session, self._at.clock)
            return [
                ConflictOut(
                    id=conflict.id,
                    touchpoint=answers.touchpoint_out(row, now),
                    cause=conflict.cause,
                    cause_id=conflict.cause_id,
                    refs=conflict.refs,
                    raised_at=conflict.raised_at,
                )
                for conflict, row in conflicts.open_conflicts(session, now, limit)
            ]

    def stats(self, contact: str | None = None) -> StatsOut:
        """Return how many people and touchpoints there are, or how many of one person."""
        with self._at.database.read() as session:
            now = self._at.locks.now(session, self._at.clock)
            person = None if contact is None else self._at.reader.person(session, contact).id
            kept, live = touchpoints.count_touchpoints(session, now, person)
            contacts = people.count_contacts(session) if contact is None else 1
        return StatsOut(contacts=contacts, touchpoints=kept, live_touchpoints=live)
