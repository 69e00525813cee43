"""Recordings feed the registry: who took part in an interview was contacted then, and every team should know.

Only the roof knows both halves: `ingest` calls `settle` and `forget` through its port `ParticipationLog`, the registry
keeps the touchpoints. Their source is "interview", their external id `<interview>:<contact>`, so nothing is doubled.
Participants are matched by a link that somebody confirmed, else by address; a name is never guessed to be somebody.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select

from app import participant_links
from app.participant_links import ConfirmedLink
from contact_registry.actor import Actor
from contact_registry.changes import CLOCK_TOLERANCE
from contact_registry.schemas import RECORDINGS, TouchpointIn, TouchpointOut
from contact_registry.schemas_people import ContactIn, ContactOut
from contact_registry.service import RegistryService
from core import directory
from core.audit import EventFilter, find_events, record_event
from core.clock import Clock
from core.database import Database
from core.errors import Conflict, Gone, InvalidInput, NotFound
from core.tables import Interview, Participant
from ingest.schemas import InterviewStatus

SOURCE = RECORDINGS
CHANNEL = "interview"  # nobody tells us whether it was a call or a visit
PURPOSE = "interview"
SAME_CONVERSATION = timedelta(hours=12)
DEFAULT_TEAM, DEFAULT_TEAM_NAME = "research", "Research"
ERASED_NAME = "Erased person"
_ACTOR = Actor(id=SOURCE, source=SOURCE)


@dataclass(frozen=True, slots=True)
class ParticipantLink:
    """Somebody who took part; `contact` is None for whom the registry does not know."""

    ordinal: int
    name: str
    email: str | None
    role: str | None
    speaker: str | None
    contact: str | None
    touchpoint: str | None  # what was recorded of it
    is_confirmed: bool = False  # somebody said who they are; otherwise matched by address
    candidates: tuple[ContactOut, ...] = ()  # of exactly this name, for somebody to confirm


@dataclass(frozen=True, slots=True)
class _Meeting:
    """What ought to be on record of an interview."""

    at: datetime
    project: str | None
    team: str | None
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
        while not self._is_withdrawn(interview_id):  # then what is on record stays: they took part all the same
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
        for person, contact, link in self._matched(interview_id):
            touchpoint = recorded.get(contact) if contact else None
            offered = contact is None and person.name != ERASED_NAME
            links.append(
                ParticipantLink(
                    ordinal=person.ordinal,
                    name=person.name,
                    email=person.email,
                    role=person.role,
                    speaker=person.speaker,
                    contact=contact,
                    touchpoint=touchpoint,
                    is_confirmed=link is not None,
                    candidates=tuple(self._registry.people.named(person.name)) if offered else (),
                )
            )
        return links

    def contacts_of(self, interview_id: str) -> dict[str, tuple[str | None, str | None]]:
        """Return by the speaker's label who speaks: their contact, and the match key of their address.

        A label that two participants share says of neither who it is, and is left out.
        """
        speaking: dict[str, tuple[str | None, str | None]] = {}
        shared: set[str] = set()
        for person, contact, _ in self._matched(interview_id):
            label = person.speaker or person.name
            if label in speaking:
                shared.add(label)
            speaking[label] = contact, participant_links.key_or_none(person.email)
        return {label: who for label, who in speaking.items() if label not in shared}

    def unlinked(self, interview_id: str) -> list[ParticipantLink]:
        """Return the participants that no contact is known for, to be linked by a person."""
        return [link for link in self.participants(interview_id) if link.contact is None]

    def link(
        self, interview_id: str, ordinal: int, contact_id: str | None, actor: Actor, *, name: str | None = None
    ) -> None:
        """Confirm who the participant is, or with None take that back; the touchpoint follows.

        `name` guards against an interview that was sent again meanwhile. Raises NotFound `unknown_participant`,
        `contact_not_found`, Gone, Conflict `participants_changed`.
        """
        contact = None if contact_id is None else self._registry.get_contact(contact_id).id
        person, everybody = self._participant(interview_id, ordinal, name)
        with self._database.write() as session:
            interview = session.get(Interview, interview_id)
            if interview is None:
                raise NotFound("unknown_interview", f"There is no interview {interview_id[:40]!r}.")
            known = participant_links.link_of(person, participant_links.links_of(session, interview_id), everybody)
            if known is not None:
                session.delete(known)
                session.flush()
            if contact is not None:
                session.add(
                    ConfirmedLink(
                        interview_id=interview_id,
                        person=participant_links.person_of(person),
                        contact_id=contact,
                        confirmed_by=actor.id,
                        confirmed_at=self._clock.now(),
                    )
                )
            if contact is not None or known is not None:
                record_event(
                    session,
                    at=self._clock.now(),
                    actor=actor.id,
                    action="participant.unlinked" if contact is None else "participant.linked",
                    subject_type="interview",
                    subject_id=interview_id,
                    detail={"participant": ordinal, "contact": contact or (known.contact_id if known else None)},
                )
            is_ready = interview.status == InterviewStatus.READY
        if is_ready:  # otherwise processing settles it at its end
            self.settle(interview_id)

    def add_contact(self, interview_id: str, ordinal: int, actor: Actor, *, name: str | None = None) -> ContactOut:
        """Put the participant on file as a new contact and link them.

        Raises as `link` does, and Conflict `address_taken`, or `do_not_store` for somebody who was erased.
        """
        person, _ = self._participant(interview_id, ordinal, name)
        email = person.email if participant_links.key_or_none(person.email) else None
        if email and self._registry.people.is_erased(email):
            raise Conflict("do_not_store", "This person must not be contacted or kept on file: nothing was stored.")
        contact = self._registry.add_contact(ContactIn(name=person.name[:200], emails=[email] if email else []), actor)
        self.link(interview_id, ordinal, contact.id, actor, name=name)
        return contact

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
            team=known.team if known else meeting.team or self._team(meeting.project),
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
        with self._database.read() as session:
            events = find_events(session, EventFilter(action="touchpoint.voided", subject=touchpoint.id), limit=1)
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
        found = (contact for _, contact, _ in self._matched(interview_id))
        contacts = dict.fromkeys(contact for contact in found if contact is not None)
        return _Meeting(interview.recorded_at, interview.project_id, interview.team_id, tuple(contacts))

    def _is_withdrawn(self, interview_id: str) -> bool:
        with self._database.read() as session:
            interview = session.get(Interview, interview_id)
        return interview is not None and interview.withdrawn_at is not None

    def _people(self, interview_id: str) -> list[Participant]:
        query = select(Participant).where(Participant.interview_id == interview_id).order_by(col(Participant.ordinal))
        with self._database.read() as session:
            return list(session.exec(query))

    def _participant(self, interview_id: str, ordinal: int, name: str | None) -> tuple[Participant, list[Participant]]:
        """Return one participant who can be linked, and all of the interview. Raises as `link` does."""
        everybody = self._people(interview_id)
        person = next((one for one in everybody if one.ordinal == ordinal), None)
        if person is None or person.name == ERASED_NAME:
            raise NotFound("unknown_participant", f"The interview has no participant {ordinal} who could be linked.")
        if name is not None and name != person.name:
            raise Conflict(
                "participants_changed", "The interview was sent again and its participants changed: look again."
            )
        return person, everybody

    def _matched(self, interview_id: str) -> list[tuple[Participant, str | None, ConfirmedLink | None]]:
        """Return each participant with their contact, and the link if that is why."""
        everybody = self._people(interview_id)
        with self._database.read() as session:
            links = participant_links.links_of(session, interview_id)
        found: list[tuple[Participant, str | None, ConfirmedLink | None]] = []
        for person in everybody:
            link = participant_links.link_of(person, links, everybody)
            contact = self._on_file(link.contact_id) if link else None
            if contact is None:
                link, contact = None, self._contact(person.email)
            found.append((person, contact, link))
        return found

    def _on_file(self, contact_id: str) -> str | None:
        """Return the contact, or whoever it was merged into; None for an erased one."""
        try:
            return self._registry.get_contact(contact_id).id
        except (NotFound, Gone):
            return None

    def _contact(self, email: str | None) -> str | None:
        if not email:
            return None
        try:
            return self._registry.contact_by_email(email).id
        except (NotFound, Gone, InvalidInput):
            return None

    def _team(self, project: str | None) -> str:
        """Return who held it where nobody said.

        The team with the project's id, else the only team, else research, added if missing.
        """
        with self._database.read() as session:
            teams = {team.id for team in directory.list_teams(session)}
        if project in teams:
            return str(project)
        if len(teams) == 1:
            return teams.pop()
        if DEFAULT_TEAM not in teams:
            with self._database.write() as session:
                directory.put_team(session, DEFAULT_TEAM, DEFAULT_TEAM_NAME, self._clock.now())
        return DEFAULT_TEAM
