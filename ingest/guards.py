"""What every look at and change of an interview asks first: is it there, and does consent open it to this viewer?"""

from __future__ import annotations

from sqlmodel import Session

from core.errors import Forbidden, Gone, NotFound
from core.tables import Interview
from core.visibility import Viewer
from ingest import repository


def require_interview(session: Session, interview_id: str, viewer: Viewer, *, for_update: bool = False) -> Interview:
    """Return the row, also of one that was withdrawn; raises NotFound `unknown_interview`."""
    interview = repository.find(session, interview_id, viewer, for_update=for_update)
    if interview is None:
        raise NotFound("unknown_interview", f"There is no interview {interview_id[:64]!r}.")
    return interview


def require_present(session: Session, interview_id: str, viewer: Viewer, *, for_update: bool = False) -> Interview:
    """Return the row of an interview that was not withdrawn; raises NotFound `unknown_interview`, Gone `withdrawn`."""
    interview = require_interview(session, interview_id, viewer, for_update=for_update)
    if interview.withdrawn_at is not None:
        raise Gone("withdrawn", "A participant withdrew this interview: its text and its recording are gone.")
    return interview


def require_quotable(interview: Interview, viewer: Viewer) -> None:
    """Raise Forbidden `not_quotable` unless `viewer` may read the text and hear the recording."""
    if not interview.is_quotable and not viewer.reads_unquotable:
        raise Forbidden(
            "not_quotable",
            "A participant does not want to be quoted: text and recording open only to people with the privacy "
            "permission.",
        )


def require_shareable(interview: Interview) -> None:
    """Raise Forbidden `not_shareable`, whoever asks: it is the participant's word."""
    if not interview.is_shareable:
        raise Forbidden(
            "not_shareable",
            "A participant does not want this shared outside the company: it can be read and played here, and leaves "
            "as no file.",
        )
