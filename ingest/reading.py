"""What is looked at: interviews, lists of them, their text and their sound, as far as consent opens them to a viewer.

`IngestService` is one of these, so callers ask `services.ingest`. Out: `schemas.py` types. One transaction per call.
"""

from __future__ import annotations

from pathlib import Path

from core.blobs import BlobStore
from core.database import Database
from core.errors import Conflict, Gone, NotFound
from core.visibility import EVERYBODY, Viewer
from ingest import listing, repository, writers
from ingest.guards import require_interview, require_present, require_quotable, require_shareable
from ingest.schemas import InterviewOut, InterviewPage, InterviewStatus, SegmentOut, TranscriptFormat


class InterviewReading:
    """Hands out what is stored. Text and sound that may not be quoted open only to viewers who read those."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    def get(self, interview_id: str, viewer: Viewer = EVERYBODY) -> InterviewOut:
        """Return the interview, also one that was withdrawn; raises NotFound `unknown_interview`."""
        with self._database.read() as session:
            return listing.shown(session, [require_interview(session, interview_id, viewer)])[0]

    def list_interviews(
        self,
        *,
        project: str | None = None,
        status: str | None = None,
        tag: str | None = None,
        text: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        viewer: Viewer = EVERYBODY,
    ) -> InterviewPage:
        """Return a page of interviews, newest first, without those that were withdrawn.

        `text` is looked for in titles, `limit` is 1 to 200.
        """
        with self._database.read() as session:
            return listing.page(session, viewer, project, status, tag, text, cursor, limit)

    def segments(self, interview_id: str, viewer: Viewer = EVERYBODY) -> list[SegmentOut]:
        """Return the interview's text in order.

        Raises: NotFound `unknown_interview`; Gone `withdrawn`; Forbidden `not_quotable`.
        """
        with self._database.read() as session:
            require_quotable(require_present(session, interview_id, viewer), viewer)
            return listing.shown_segments(repository.segments_of(session, interview_id))

    def transcript(
        self,
        interview_id: str,
        format: TranscriptFormat | str,  # noqa: A002 - as the query parameter is called
        viewer: Viewer = EVERYBODY,
    ) -> tuple[bytes, str, str]:
        """Return the transcript as a file: bytes, media type, file name. JSON is how programs read it, not an export.

        Raises: InvalidInput `unknown_format`; Conflict `no_text_yet` while an interview has none; Forbidden
        `not_shareable` for files; and as `segments`.
        """
        with self._database.read() as session:
            row = require_present(session, interview_id, viewer)
            require_quotable(row, viewer)
            if format != TranscriptFormat.JSON:
                require_shareable(row)
            interview = listing.shown(session, [row])[0]
            segments = listing.shown_segments(repository.segments_of(session, interview_id))
        if not segments and interview.status != InterviewStatus.READY:
            raise Conflict(
                "no_text_yet",
                f"The interview is {interview.status.value} and has no text yet. Ask again when it is ready.",
            )
        return writers.write_transcript(interview, segments, format)

    def recording(self, interview_id: str, viewer: Viewer = EVERYBODY, *, to_keep: bool = False) -> tuple[Path, str]:
        """Return the recording's file and media type; `to_keep` when it leaves as a file and is not only played.

        Raises: NotFound `no_recording` for a text without sound; Gone `recording_removed` once its time is over,
        `withdrawn`; Forbidden `not_quotable`, `not_shareable`.
        """
        with self._database.read() as session:
            interview = require_present(session, interview_id, viewer)
        require_quotable(interview, viewer)
        if to_keep:
            require_shareable(interview)
        if interview.media_removed_at is not None:
            raise Gone("recording_removed", "The recording was removed: its participants let it be kept until a day.")
        if interview.recording_sha256 is None:
            raise NotFound("no_recording", "This interview was sent as text: it has no recording.")
        return self._blobs.path(interview.recording_sha256), interview.media_type or "application/octet-stream"
