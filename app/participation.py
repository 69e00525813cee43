"""Recordings feed the registry: who took part in an interview was contacted then, and every team should know.

Only the roof knows both halves: `ingest` calls `settle` and `forget` through its port `ParticipationLog`, the registry
keeps the touchpoints. Their source is "interview", their external id `<interview>:<contact>`, so nothing is doubled.
Participants are matched by address alone; a name is never guessed to be somebody.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select

from contact_registry.actor import Actor
from contact_registry.addresses import email_key
from contact_registry.changes import CLOCK_TOLERANCE
from contact_registry.schemas import TouchpointIn, TouchpointOut
from contact_registry.schemas_people import EraseIn, EraseOut
from contact_registry.service import RegistryService
from core import directory
from core.clock import Clock
from core.database import Database
from core.errors import Gone, InvalidInput, NotFound
from core.tables import Interview, Participant

SOURCE = "interview"
CHANNEL = "interview"  # nobody tells us whether it was a call or a visit
PURPOSE = "interview"
SAME_CONVERSATION = timedelta(hours=12)
DEFAULT_TEAM = "research"
ERASED_NAME = "Erased person"
_ACTOR = Actor(id=SOURCE, source=SOURCE)


@dataclass(frozen=True, slots=True)
class ParticipantLink:
    """Somebody who took part; `contact` is None for whom the registry does not know by this address."""

    name: str
    email: str | None
    role: str | None
    speaker: str | None
    contact: str | None
    touchpoint: str | None  # what was recorded of it


@dataclass(frozen=True, slots=True)
class _Meeting:
    """What ought to be on record of an interview."""

    at: datetime
    project: str | None
    contacts: tuple[str, ...]


class ParticipationService:
    """`ingest.ports.ParticipationLog`. Touchpoints that people voided or marked as no-shows by hand stay so."""

    def __init__(self, database: Database, clock: Clock, registry: RegistryService) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry

    def settle(self, interview_id: str) -> None:
        """Bring the touchpoints in step with the interview as it is now; none without a date that has passed.

        Doing it again changes nothing. It looks again after writing, since the interview may be changed or deleted
        meanwhile: whoever looks last sees both.
        """
        meeting = self._meeting(interview_id)
        while True:
            self._put(interview_id, meeting)
            after = self._meeting(interview_id)
            if after == meeting:
                return
            meeting = after

    def forget(self, interview_id: str) -> None:
        """Void all touchpoints of the interview."""
        self._put(interview_id, None)

    def participants(self, interview_id: str) -> list[ParticipantLink]:
        """Return who took part, each with the contact that has their address today."""
        recorded = {
            touchpoint.contact: touchpoint.id
            for touchpoint in self._recorded(interview_id)
            if touchpoint.status != "voided"
        }
        links = []
        for person in self._people(interview_id):
            contact = self._contact(person.email)
            touchpoint = recorded.get(contact) if contact else None
            links.append(ParticipantLink(person.name, person.email, person.role, person.speaker, contact, touchpoint))
        return links

    def unlinked(self, interview_id: str) -> list[ParticipantLink]:
        """Return the participants that no contact is known for, to be linked by a person."""
        return [link for link in self.participants(interview_id) if link.contact is None]

    def erase_person(self, contact_id: str, sent: EraseIn, actor: Actor) -> EraseOut:
        """Erase a contact, and name and address of this person as a participant of interviews, first of all.

        Killed between the two, it is to be done again and finishes then. What was said stays: it belongs to the
        interview. Raises as `ErasureService.erase`.
        """
        with suppress(Gone):  # erased before: the registry says so
            keys = {email_key(email) for email in self._registry.get_contact(contact_id).emails}
            with self._database.write() as session:
                for person in session.exec(select(Participant).where(col(Participant.email).is_not(None))):
                    if _key_or_none(person.email) in keys:
                        person.name, person.email = ERASED_NAME, None
        return self._registry.erasure.erase(contact_id, sent, actor)

    def _put(self, interview_id: str, meeting: _Meeting | None) -> None:
        recorded = self._recorded(interview_id)
        kept = set()
        if meeting is not None:
            for contact in meeting.contacts:
                # by contact, not by external id: a merge gives a touchpoint to another contact
                of_contact = [one for one in recorded if one.contact == contact]
                known = min(of_contact, key=lambda one: (one.status == "voided", one.id), default=None)
                if known is not None:
                    kept.add(known.id)
                if known is None and self._is_on_record(contact, meeting.at):
                    continue
                if known is None or not self._is_voided_by_hand(known):
                    self._record(interview_id, meeting, contact, known)
        for one in recorded:
            if one.id not in kept and one.status != "voided":
                self._registry.set_outcome(one.id, "voided", _ACTOR)

    def _record(self, interview_id: str, meeting: _Meeting, contact: str, known: TouchpointOut | None) -> None:
        """Record that the contact took part, or correct what is recorded."""
        fact = TouchpointIn(
            contact=contact,
            at=meeting.at,
            team=known.team if known else self._team(meeting.project),
            channel=CHANNEL,
            purpose=PURPOSE,
            status="no_show" if known and known.status == "no_show" else "completed",
            external_id=known.external_id if known else f"{interview_id}:{contact}",
        )
        with suppress(NotFound, Gone):  # erased meanwhile
            self._registry.record(fact, _ACTOR)

    def _is_on_record(self, contact: str, at: datetime) -> bool:
        """Whether a team has this conversation on record itself: booked or noted, the same half day, not an e-mail."""
        return any(
            one.purpose == PURPOSE
            and one.channel != "email"
            and one.status in ("planned", "completed", "no_show")
            and abs(one.at - at) <= SAME_CONVERSATION
            for one in self._registry.timeline(contact, at - SAME_CONVERSATION)
            if one.source != SOURCE
        )

    def _is_voided_by_hand(self, touchpoint: TouchpointOut) -> bool:
        if touchpoint.status != "voided":
            return False
        events, _ = self._registry.conflicts.audit(subject=touchpoint.id, action="touchpoint.voided", limit=1)
        return bool(events) and events[0].actor != _ACTOR.id

    def _recorded(self, interview_id: str) -> list[TouchpointOut]:
        return self._registry.facts.of_source(SOURCE, f"{interview_id}:")

    def _meeting(self, interview_id: str) -> _Meeting | None:
        with self._database.read() as session:
            interview = session.get(Interview, interview_id)
        if interview is None or interview.recorded_at is None:
            return None
        if interview.recorded_at > self._clock.now() + CLOCK_TOLERANCE:
            return None  # a planned interview is for the registry to book, under its rules
        found = (self._contact(person.email) for person in self._people(interview_id))
        contacts = dict.fromkeys(contact for contact in found if contact is not None)
        return _Meeting(interview.recorded_at, interview.project_id, tuple(contacts))

    def _people(self, interview_id: str) -> list[Participant]:
        query = select(Participant).where(Participant.interview_id == interview_id).order_by(col(Participant.ordinal))
        with self._database.read() as session:
            return list(session.exec(query))

    def _contact(self, email: str | None) -> str | None:
        if not email:
            return None
        try:
            return self._registry.contact_by_email(email).id
        except (NotFound, Gone, InvalidInput):
            return None

    def _team(self, project: str | None) -> str:
        """Return who held it: the team with the project's id, else the only team, else research, added if missing."""
        with self._database.read() as session:
            teams = {team.id for team in directory.list_teams(session)}
        if project in teams:
            return str(project)
        if len(teams) == 1:
            return teams.pop()
        if DEFAULT_TEAM not in teams:
            with self._database.write() as session:
                directory.put_team(session, DEFAULT_TEAM, "Research", self._clock.now())
        return DEFAULT_TEAM


def _key_or_none(email: str | None) -> str | None:
    try:
        return email_key(email or "")
    except InvalidInput:
        return None
