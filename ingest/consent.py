"""What participants consent to: noted person by person, binding for the whole interview.

A refusal of one holds for all, and the earliest day anybody set ends the keeping. `guards.py` and search ask the
interview's own columns, which are written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.audit import record_event
from core.clock import Clock
from core.database import Database
from core.errors import Forbidden, NotFound
from core.tables import Interview, Participant
from core.visibility import EVERYBODY, Viewer
from ingest import listing, repository
from ingest.checks import check_keep_until
from ingest.guards import require_present
from ingest.listing import noted_consent
from ingest.schemas import Consent, InterviewOut, ParticipantIn


class ConsentService:
    """Notes consent after an interview was sent. `services.ingest.consent` is one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def note(
        self,
        interview_id: str,
        ordinal: int,
        consent: Consent,
        actor: str,
        viewer: Viewer = EVERYBODY,
        *,
        may_loosen: bool = False,
    ) -> InterviewOut:
        """Put down what the participant `ordinal` (counted from 0) consents to, in place of what was noted.

        Anybody may narrow. Without `may_loosen` (the privacy permission) nothing refused is allowed again and nothing
        is kept longer, or whoever wants to read would first note that they may. Raises: NotFound `unknown_interview`,
        `unknown_participant`; Gone `withdrawn`; Forbidden `consent_not_loosened`; InvalidInput `invalid_keep_until`.
        """
        if consent.keep_until is not None:
            check_keep_until(consent.keep_until, "keep_until")
        with self._database.write() as session:
            interview = require_present(session, interview_id, viewer, for_update=True)
            people = repository.participants_of(session, [interview_id]).get(interview_id, [])
            person = next((one for one in people if one.ordinal == ordinal), None)
            if person is None:
                raise NotFound("unknown_participant", f"This interview has no participant {ordinal}, counted from 0.")
            if not may_loosen:
                _require_no_looser(noted_consent(person), consent)
            person.may_quote, person.may_share = consent.quote_internally, consent.share_outside
            person.keep_until = consent.keep_until
            put_limits(interview, people)
            interview.updated_at = self._clock.now()
            record_event(
                session,
                at=self._clock.now(),
                actor=actor,
                action="interview.consent_noted",
                subject_type="interview",
                subject_id=interview_id,
                detail={"participant": ordinal, **consent.model_dump(mode="json")},
            )
            session.flush()
            return listing.shown(session, [interview])[0]


def put_limits(interview: Interview, people: Iterable[Participant]) -> None:
    """Let the interview's own columns say what all its participants consent to together."""
    rows = list(people)
    interview.is_quotable = all(person.may_quote is not False for person in rows)
    interview.is_shareable = all(person.may_share is not False for person in rows)
    interview.keep_until = min((row.keep_until for row in rows if row.keep_until is not None), default=None)


def carry_over(sent: Sequence[ParticipantIn], before: Sequence[Participant]) -> list[ParticipantIn]:
    """Return the participants `sent`, each with what was noted of them `before` as far as it is narrower.

    Sending again narrows and never loosens: that is `ConsentService.note`'s to allow. Somebody is who has the same
    e-mail, else the same name. Behind them come those who are no longer named but whose consent was noted: leaving
    somebody out does not lift what they asked for.
    """
    left = list(before)
    known: dict[int, Participant] = {}
    for key_of in (_email_of, _name_of):
        for place, person in enumerate(sent):
            match = next((one for one in left if key_of(one) and key_of(one) == key_of(person)), None)
            if place not in known and match is not None:
                known[place] = match
                left.remove(match)
    carried = [_with_noted(person, known.get(place)) for place, person in enumerate(sent)]
    return carried + [_as_sent(person) for person in left if noted_consent(person) != Consent()]


def _email_of(person: ParticipantIn | Participant) -> str:
    return (person.email or "").casefold()


def _name_of(person: ParticipantIn | Participant) -> str:
    return person.name.casefold()


def _with_noted(person: ParticipantIn, row: Participant | None) -> ParticipantIn:
    noted, said = Consent() if row is None else noted_consent(row), person.consent or Consent()
    days = [day for day in (noted.keep_until, said.keep_until) if day is not None]
    narrowest = Consent(
        quote_internally=_narrower(noted.quote_internally, said.quote_internally),
        share_outside=_narrower(noted.share_outside, said.share_outside),
        keep_until=min(days, default=None),
    )
    return person.model_copy(update={"consent": narrowest})


def _narrower(noted: bool | None, said: bool | None) -> bool | None:
    if noted is False or said is False:
        return False
    return noted if said is None else said


def _as_sent(row: Participant) -> ParticipantIn:
    return ParticipantIn(name=row.name, email=row.email, role=row.role, speaker=row.speaker, consent=noted_consent(row))


def _require_no_looser(noted: Consent, wanted: Consent) -> None:
    is_looser = (
        (noted.quote_internally is False and wanted.quote_internally is not False)
        or (noted.share_outside is False and wanted.share_outside is not False)
        or (noted.keep_until is not None and (wanted.keep_until is None or wanted.keep_until > noted.keep_until))
    )
    if is_looser:
        raise Forbidden(
            "consent_not_loosened",
            "This allows more than the participant agreed to before: it takes somebody with the privacy permission.",
        )
