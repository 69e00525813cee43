"""Erasing a person: first from the interviews they took part in, then from the registry.

By default what they said stays, said by nobody: name, address, role and speaker's label are replaced wherever
they stand beside the text. With `interviews: withdraw` the interviews go wholly, as `app/withdrawal.py` does it.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from pydantic import Field
from sqlmodel import Session, col, select

from app import participant_links
from app.participation import ERASED_NAME
from app.withdrawal import WithdrawalService, overwrite_remains
from contact_registry.actor import Actor
from contact_registry.addresses import email_key
from contact_registry.schemas_people import EraseIn, EraseOut
from contact_registry.service import RegistryService
from core.audit import record_event
from core.clock import Clock
from core.database import Database
from core.errors import Gone
from core.tables import Interview, Participant
from core.visibility import ALL_SEEING
from ingest.ports import Jobs
from ingest.renaming import rename_speaker
from search.removal import remove_interview
from search.service import SearchService


class PersonEraseIn(EraseIn):
    interviews: Literal["anonymise", "withdraw"] = Field(
        default="anonymise",
        description="What becomes of the interviews they took part in: their name goes and the text stays, or "
        "everything of these interviews is removed. Names that were spoken stay in a text that stays.",
    )


class PersonEraseOut(EraseOut):
    interviews_anonymised: int
    interviews_withdrawn: int


class PersonErasure:
    """Killed half-way, it is to be done again and finishes then."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        registry: RegistryService,
        search: SearchService,
        jobs: Jobs,
        withdrawal: WithdrawalService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry
        self._search = search
        self._jobs = jobs
        self._withdrawal = withdrawal

    def erase(self, contact_id: str, sent: PersonEraseIn, actor: Actor) -> PersonEraseOut:
        """Erase a contact, and before that the person in all interviews, seen by `actor` or not.

        Raises as the registry's `ErasureService.erase`.
        """
        found: list[str] = []
        with suppress(Gone):  # erased before: the registry says so
            contact = self._registry.get_contact(contact_id)
            contacts = {contact.id, *contact.merged_from}
            keys = {email_key(email) for email in contact.emails}
            found = self._interviews_of(contacts, keys)
            for interview_id in found:
                if sent.interviews == "withdraw":
                    self._withdrawal.withdraw(interview_id, "contact_erased", actor.id, ALL_SEEING)
                else:
                    self._anonymise(interview_id, contacts, keys, actor)
        done = self._registry.erasure.erase(contact_id, sent, actor)
        overwrite_remains(self._database, self._search)
        is_withdrawn = sent.interviews == "withdraw"
        return PersonEraseOut(
            **done.model_dump(),
            interviews_anonymised=0 if is_withdrawn else len(found),
            interviews_withdrawn=len(found) if is_withdrawn else 0,
        )

    def _interviews_of(self, contacts: set[str], keys: set[str]) -> list[str]:
        with self._database.read() as session:
            addressed = session.exec(select(Participant).where(col(Participant.email).is_not(None)))
            found = [row.interview_id for row in addressed if participant_links.key_or_none(row.email) in keys]
            found += [link.interview_id for link in participant_links.links_to(session, contacts)]
        return list(dict.fromkeys(found))

    def _anonymise(self, interview_id: str, contacts: set[str], keys: set[str], actor: Actor) -> None:
        now = self._clock.now()
        with self._database.write() as session:
            interview = session.exec(select(Interview).where(Interview.id == interview_id).with_for_update()).one()
            people = _take_links(session, interview_id, contacts, keys)
            labels = {label for person in people for label in (person.name, person.speaker) if label}
            names = [person.name for person in people]
            label, is_spoken = rename_speaker(session, interview, labels, ERASED_NAME, now)
            for person in people:
                person.name, person.email, person.role = ERASED_NAME, None, None
                person.speaker = label if person.speaker else None
            _forget_names(interview, names)
            if is_spoken:
                remove_interview(session, interview_id)  # found again once it is indexed under the new label
            record_event(
                session,
                at=now,
                actor=actor.id,
                action="interview.person_erased",
                subject_type="interview",
                subject_id=interview_id,
            )
        if is_spoken:
            self._jobs.enqueue(interview_id)


def _take_links(session: Session, interview_id: str, contacts: set[str], keys: set[str]) -> list[Participant]:
    """Return the participants who are the person, and delete the links that said so."""
    everybody = list(session.exec(select(Participant).where(Participant.interview_id == interview_id)))
    links = {
        link.person: link for link in participant_links.links_to(session, contacts) if link.interview_id == interview_id
    }
    people = [
        person
        for person in everybody
        if participant_links.key_or_none(person.email) in keys
        or participant_links.link_of(person, links, everybody) is not None
    ]
    for link in links.values():
        session.delete(link)
    session.flush()
    return people


def _forget_names(interview: Interview, names: Sequence[str]) -> None:
    """Take the names out of the title; a file's name that has one in it goes."""
    for name in names:
        words = [re.escape(word) for word in name.split()]
        written = re.compile(r"[\W_]+".join(words), re.IGNORECASE)
        interview.title = written.sub(ERASED_NAME, interview.title)
        if interview.file_name and written.search(interview.file_name):
            interview.file_name = None
