"""Everything callers can do with interviews; the API, the command line and the pages call it and nothing below it.

In: `schemas.py` types and streams of bytes. Out: `schemas.py` types. Work that takes long is handed to `Jobs` after
the commit; `pipeline.py` does it. What only looks is in `reading.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from core.audit import record_event
from core.blobs import BlobStore
from core.clock import Clock
from core.database import Database
from core.directory import require_project, require_team
from core.errors import Conflict
from core.ids import new_id
from core.settings import Settings
from core.tables import Interview
from core.visibility import ALL_SEEING, EVERYBODY, Viewer
from ingest import repository, work_repository
from ingest.checks import (
    Details,
    check_details,
    check_listenable,
    check_segments,
    check_title,
    title_from_file_name,
)
from ingest.consent import ConsentService, carry_over, put_limits
from ingest.guards import require_present
from ingest.incoming import clean_file_name, file_details, peek, read_all, with_file_details
from ingest.media import probe
from ingest.ports import Jobs, NoParticipationLog, ParticipationLog
from ingest.readers import HEAD_BYTES, read_transcript, transcript_kind
from ingest.reading import InterviewReading
from ingest.retention import RetentionService, is_over
from ingest.schemas import (
    UNFINISHED,
    InterviewIn,
    InterviewOut,
    InterviewStatus,
    RecordingIn,
)
from ingest.split import split_passages
from ingest.stored_recordings import delete_if_unused
from ingest.tables import IngestJob
from ingest.values import TimedSegment

_RESTARTABLE = (InterviewStatus.FAILED, InterviewStatus.CANCELLED, InterviewStatus.NEEDS_MODEL)


class IngestService(InterviewReading):
    """Takes interviews in and steers the work on them; `consent` and `retention` are doors of their own."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        blobs: BlobStore,
        jobs: Jobs,
        settings: Settings,
        participation: ParticipationLog | None = None,
    ) -> None:
        super().__init__(database, blobs)
        self._clock = clock
        self._jobs = jobs
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._participation = participation or NoParticipationLog()
        self.consent = ConsentService(database, clock)
        self.retention = RetentionService(database, clock, blobs, self._zone)

    # --- taking in ---------------------------------------------------------------------------------------------------

    def add_interview(self, sent: InterviewIn, source: str, actor: str, viewer: Viewer = EVERYBODY) -> InterviewOut:
        """Store an interview that comes with its text and have it indexed.

        The same external id from the same source updates it; the same text once more starts no work, unless it is
        said to be in another language: words are counted by their language.
        Raises: InvalidInput or TooLarge that name the segment; Conflict `sent_twice_at_once`.
        """
        details = check_details(sent, self._zone)
        check_title(sent.title)
        segments = check_segments(sent.segments)
        return self._keep_text(details, segments, source, actor, viewer, same_text_is_same=False)[0]

    def add_recording(
        self,
        chunks: Iterable[bytes],
        file_name: str,
        sent: RecordingIn,
        source: str,
        actor: str,
        viewer: Viewer = EVERYBODY,
    ) -> tuple[InterviewOut, bool]:
        """Store a recording, or a transcript file (known by its name), and have it processed.

        The second value is False when the interview was there already: by its external id, or by the same content in
        the same project. What failed before or was cancelled is tried again then. Nothing stays behind on errors.
        Raises: as `BlobStore.put`, `ingest.media.probe` and `read_transcript`.
        """
        details = self.check_places(sent, viewer)  # before four gigabytes are taken in for nothing
        file_name = clean_file_name(file_name)
        head, whole = peek(chunks, HEAD_BYTES)
        kind = transcript_kind(file_name, head)
        if kind is not None:
            read = read_transcript(read_all(whole), kind)
            details = check_details(with_file_details(sent, read.details, file_name), self._zone)
            segments = check_segments(read.segments)
            return self._keep_text(details, segments, source, actor, viewer, same_text_is_same=True)
        blob = self._blobs.put(whole, self._settings.max_upload_bytes)
        try:
            info = probe(self._blobs.path(blob.sha256))
            file = file_details(blob, info, file_name)
            return self._keep_recording(details, file, source, actor, viewer)
        except BaseException:
            if blob.was_new:
                self._drop_unused(blob.sha256)
            raise

    def check_places(self, sent: RecordingIn, viewer: Viewer) -> Details:
        """Raise InvalidInput unless this could be taken in: details in order, its project and team known."""
        details = check_details(sent, self._zone)
        check_listenable(details.language)
        with self._database.read() as session:
            self._check_places(session, details, viewer)
        return details

    def _keep_text(
        self,
        details: Details,
        segments: tuple[TimedSegment, ...],
        source: str,
        actor: str,
        viewer: Viewer,
        *,
        same_text_is_same: bool,
    ) -> tuple[InterviewOut, bool]:
        drafts = split_passages(segments)  # before the transaction: it may take a second
        text_hash = repository.text_hash(segments)
        with self._writing() as session:
            self._check_places(session, details, viewer)
            sent_before = self._find_sent(session, details, source, viewer)
            interview = sent_before
            if interview is None and same_text_is_same:
                interview = repository.find_by_given_text(session, viewer, details.project, text_hash)
            is_new = interview is None
            if interview is None:
                interview = self._new_interview(session, details, source)
            job = self._job(session, interview)
            is_same_text = job.given_text_hash == text_hash
            language = interview.language
            if is_new or sent_before is not None:
                self._put_details(session, interview, job, details, actor, is_new=is_new)
            if not is_same_text:
                job.given_text_hash = text_hash
                interview.transcribed_by = None
                interview.revision += not is_new
                work_repository.drop_heard(session, interview.id)
                repository.put_text(session, interview.id, segments, drafts)
            is_other_language = interview.language != language
            starts = not is_same_text or is_other_language or interview.status in _RESTARTABLE
            if starts:
                work_repository.start_attempt(session, interview, InterviewStatus.INDEXING, self._clock.now())
        return self._enqueued(interview.id, starts), is_new

    def _keep_recording(
        self, details: Details, file: dict[str, object], source: str, actor: str, viewer: Viewer
    ) -> tuple[InterviewOut, bool]:
        sha256 = str(file["recording_sha256"])
        with self._writing() as session:
            self._blobs.path(sha256)  # another interview's deletion may have taken the bytes meanwhile
            self._check_places(session, details, viewer)
            sent_before = self._find_sent(session, details, source, viewer)
            if work_repository.is_withdrawn(session, sha256):
                raise Conflict("withdrawn", "A participant withdrew this recording: it is not taken in again.")
            interview = sent_before or repository.find_by_recording(session, viewer, details.project, sha256)
            is_new = interview is None
            if interview is None:
                title = details.title or title_from_file_name(str(file["file_name"]))
                interview = self._new_interview(session, details, source, title)
            job = self._job(session, interview)
            if interview.external_id is None and interview.source == source:
                interview.external_id = details.external_id
            is_same = interview.recording_sha256 == sha256
            language = interview.language
            replaced = None if is_same else interview.recording_sha256
            if is_new or sent_before is not None:
                self._put_details(session, interview, job, details, actor, is_new=is_new)
            if not is_same:
                interview.revision += not is_new
                self._check_may_be_kept(interview)
                for name, value in file.items():
                    setattr(interview, name, value)
                interview.media_removed_at = None
                interview.transcribed_by = job.given_text_hash = None
                work_repository.drop_heard(session, interview.id)
                repository.put_text(session, interview.id, (), ())
            # what is written down already is counted anew; what is being heard will be in the language it has by then
            is_recounted = interview.language != language and repository.has_segments(session, interview.id)
            starts = not is_same or is_recounted or interview.status in _RESTARTABLE
            if starts:
                work_repository.restart(session, interview, self._clock.now())
            if replaced is not None:
                delete_if_unused(session, self._blobs, replaced)
        return self._enqueued(interview.id, starts), is_new

    # --- steering ----------------------------------------------------------------------------------------------------

    def retry(self, interview_id: str, actor: str, viewer: Viewer = EVERYBODY) -> InterviewOut:
        """Start the work again for an interview that failed, was cancelled or waits for a model.

        What was transcribed already is kept. Raises: Conflict `nothing_to_retry`.
        """
        with self._writing() as session:
            interview = require_present(session, interview_id, viewer, for_update=True)
            if interview.status not in _RESTARTABLE:
                raise Conflict(
                    "nothing_to_retry",
                    f"The interview is {interview.status}; only one that failed, was cancelled or needs a model can "
                    "be retried.",
                )
            if interview.media_removed_at is not None and not repository.has_segments(session, interview_id):
                raise Conflict("nothing_to_retry", "The recording was removed before it was written down.")
            work_repository.restart(session, interview, self._clock.now())
            self._audit(session, actor, "interview.retried", interview_id)
        return self._enqueued(interview_id, starts=True)

    def cancel(self, interview_id: str, actor: str, viewer: Viewer = EVERYBODY) -> InterviewOut:
        """Stop the work on an interview at its next look; its recording stays. Cancelling twice is no error.

        Raises: Conflict `nothing_to_cancel` when the work is over.
        """
        waiting = (*UNFINISHED, InterviewStatus.NEEDS_MODEL, InterviewStatus.CANCELLED)
        with self._writing() as session:
            interview = require_present(session, interview_id, viewer, for_update=True)
            if interview.status not in waiting:
                raise Conflict("nothing_to_cancel", f"The interview is {interview.status}: there is no work to stop.")
            if interview.status != InterviewStatus.CANCELLED:
                interview.status = InterviewStatus.CANCELLED.value
                interview.step = interview.error_code = interview.error_message = None
                interview.updated_at = self._clock.now()
                self._audit(session, actor, "interview.cancelled", interview_id)
        return self.get(interview_id, viewer)

    def delete(self, interview_id: str, actor: str, viewer: Viewer = EVERYBODY) -> None:
        """Remove the interview, its text and, if no other interview has it, its recording."""
        self.get(interview_id, viewer)
        self._participation.forget(interview_id)
        with self._writing() as session:
            interview = require_present(session, interview_id, viewer, for_update=True)
            sha256 = interview.recording_sha256
            repository.remove(session, interview)
            self._audit(session, actor, "interview.deleted", interview_id)
            if sha256 is not None:
                delete_if_unused(session, self._blobs, sha256)
        self._participation.settle(interview_id)

    # --- pieces ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        try:
            with self._database.write() as session:
                yield session
        except IntegrityError as error:  # only where writers are not serialised (PostgreSQL)
            raise Conflict(
                "sent_twice_at_once", "The same interview is being stored by another request. Send it again."
            ) from error

    def _find_sent(self, session: Session, details: Details, source: str, viewer: Viewer) -> Interview | None:
        if details.external_id is None:
            return None
        found = repository.find_by_external_id(session, source, details.external_id)
        if found is not None and repository.find(session, found.id, viewer) is None:
            raise Conflict("external_id_in_use", "This external id is in use: send the interview under another one.")
        if found is not None and found.withdrawn_at is not None:
            raise Conflict("withdrawn", "A participant withdrew this interview: it is not taken in again.")
        return found

    def _new_interview(self, session: Session, details: Details, source: str, title: str | None = None) -> Interview:
        now = self._clock.now()
        interview = Interview(
            id=new_id("int"),
            source=source,
            external_id=details.external_id,
            title=title or details.title or "Untitled",
            project_id=details.project,
            status=InterviewStatus.RECEIVED.value,
            created_at=now,
            updated_at=now,
        )
        session.add(interview)
        session.flush()
        return interview

    def _put_details(
        self,
        session: Session,
        interview: Interview,
        job: IngestJob,
        details: Details,
        actor: str,
        *,
        is_new: bool,
    ) -> None:
        before = repository.participants_of(session, [interview.id]).get(interview.id, [])
        people = repository.put_details(session, interview, details, carry_over(details.participants, before))
        put_limits(interview, people)
        job.asked_language = details.language
        job.vocabulary = list(details.vocabulary)
        session.add(job)
        interview.updated_at = self._clock.now()
        session.flush()
        self._audit(session, actor, "interview.created" if is_new else "interview.updated", interview.id)

    def _check_may_be_kept(self, interview: Interview) -> None:
        if interview.keep_until is not None and is_over(interview.keep_until, self._clock.now(), self._zone):
            raise Conflict(
                "no_longer_kept",
                f"Its participants let the recording be kept until {interview.keep_until.isoformat()}: it is not taken "
                "in any more.",
            )

    def _job(self, session: Session, interview: Interview) -> IngestJob:
        return work_repository.find_job(session, interview.id) or IngestJob(interview_id=interview.id, attempt=0)

    def _enqueued(self, interview_id: str, starts: bool) -> InterviewOut:
        if starts:
            self._jobs.enqueue(interview_id)
            return self.get(interview_id, ALL_SEEING)
        interview = self.get(interview_id, ALL_SEEING)
        if interview.status == InterviewStatus.READY:  # no work comes by that would tell of a changed date
            self._participation.settle(interview_id)
        return interview

    def _check_places(self, session: Session, details: Details, viewer: Viewer) -> None:
        if details.project is not None:
            require_project(session, details.project, viewer)
        if details.team is not None:
            require_team(session, details.team)

    def _drop_unused(self, sha256: str) -> None:
        with self._database.write() as session:
            delete_if_unused(session, self._blobs, sha256)

    def _audit(self, session: Session, actor: str, action: str, interview_id: str) -> None:
        record_event(
            session,
            at=self._clock.now(),
            actor=actor,
            action=action,
            subject_type="interview",
            subject_id=interview_id,
        )
