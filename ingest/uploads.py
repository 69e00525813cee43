"""Uploads that go on after a broken connection: tus 1.0 core and creation (https://tus.io/protocols/resumable-upload).

In: pieces of a file with the offset they belong at. Out: when the last byte is there, an interview, taken in as by
`IngestService.add_recording`. `app/api/uploads.py` speaks the protocol's headers; here is what they mean. An upload is
two files in the uploads folder: `ID.json` says what it is, `ID.part` holds the bytes, and its length is the offset.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedRandom

from core.blobs import read_file, too_large
from core.errors import AppError, BadRequest, Conflict, InvalidInput, NotFound
from core.ids import new_id
from core.settings import Settings
from core.visibility import EVERYBODY, Viewer
from ingest.incoming import clean_file_name
from ingest.schemas import InterviewOut, RecordingIn
from ingest.service import IngestService

TUS_VERSION = "1.0.0"
TUS_EXTENSIONS = "creation,termination"
# An upload that nobody has continued for this long is thrown away.
KEEP_UNFINISHED_S = 48 * 3600

_ID = re.compile(r"upl_[0-9a-z]{26}")
_MOST_METADATA_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as its sender sees it; `interview_id` is there once it is complete."""

    id: str
    length: int
    offset: int
    interview_id: str | None = None


@dataclass(slots=True)
class _Notes:
    """What `ID.json` holds. `sent` is a RecordingIn."""

    length: int
    file_name: str
    sent: dict[str, object]
    source: str
    actor: str
    interview_id: str | None = None


class UploadService:
    """Takes files in piece by piece. An upload belongs to whom (`actor`) began it; others are told it is unknown."""

    def __init__(self, settings: Settings, ingest: IngestService) -> None:
        self._folder = settings.uploads_dir
        self._max_bytes = settings.max_upload_bytes
        self._ingest = ingest

    def create(
        self, length: int, file_name: str, sent: RecordingIn, source: str, actor: str, viewer: Viewer = EVERYBODY
    ) -> Upload:
        """Announce a file of `length` bytes.

        Raises: TooLarge `file_too_large` before any byte is sent, InvalidInput `empty_file`.
        """
        if length > self._max_bytes:
            raise too_large(self._max_bytes)
        if length <= 0:
            raise InvalidInput("empty_file", "The file is empty: it has 0 bytes. Send the recording itself.")
        self._ingest.check_places(sent, viewer)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        upload_id = new_id("upl")
        notes = _Notes(length, clean_file_name(file_name), _packed(sent), source, actor)
        (self._folder / f"{upload_id}.part").touch()
        self._keep_notes(upload_id, notes)
        return Upload(upload_id, length, 0)

    def get(self, upload_id: str, actor: str, viewer: Viewer = EVERYBODY) -> Upload:
        """Return how far the upload is; raises NotFound `unknown_upload`.

        An upload whose last byte came just before the process died is taken in now.
        """
        notes = self._notes(upload_id, actor)
        if notes.interview_id is None and self._offset(upload_id) == notes.length:
            with self._locked(upload_id):
                self._take_in(upload_id, self._notes(upload_id, actor), viewer)
            notes = self._notes(upload_id, actor)
        return self._shown(upload_id, notes)

    def append(
        self, upload_id: str, offset: int, chunks: Iterable[bytes], actor: str, viewer: Viewer = EVERYBODY
    ) -> tuple[Upload, InterviewOut | None]:
        """Add bytes at `offset`; with the last one the recording is taken in and the interview comes back.

        What arrived before a connection broke is kept. A recording that is refused takes the upload with it.
        Raises: Conflict `wrong_offset` or `upload_busy`; InvalidInput `upload_too_long`; and what
        `IngestService.add_recording` raises.
        """
        self._notes(upload_id, actor)
        with self._locked(upload_id) as part:
            notes = self._notes(upload_id, actor)
            present = self._shown(upload_id, notes).offset
            if offset != present:
                raise Conflict(
                    "wrong_offset",
                    f"The upload stands at byte {present}, not {offset}. Go on from there.",
                    offset=present,
                )
            _write(part, offset, notes.length, chunks)
            interview = None
            if self._offset(upload_id) == notes.length and notes.interview_id is None:
                interview = self._take_in(upload_id, notes, viewer)
            return self._shown(upload_id, notes), interview

    def terminate(self, upload_id: str, actor: str) -> None:
        """Throw the upload away; an interview made of it stays.

        Raises: NotFound `unknown_upload`; Conflict `upload_busy`.
        """
        if self._notes(upload_id, actor).interview_id is not None:
            self._forget(upload_id)
            return
        with self._locked(upload_id):
            self._forget(upload_id)

    def forget_interview(self, interview_id: str) -> int:
        """Throw away what is noted of the uploads that became this interview; return how many that were."""
        forgotten = 0
        for notes in self._folder.glob("upl_*.json"):
            try:
                is_its = json.loads(notes.read_text())["interview_id"] == interview_id
            except (FileNotFoundError, ValueError):  # another request was quicker
                continue
            if is_its:
                self._forget(notes.stem)
                forgotten += 1
        return forgotten

    # --- pieces ------------------------------------------------------------------------------------------------------

    def _take_in(self, upload_id: str, notes: _Notes, viewer: Viewer) -> InterviewOut | None:
        if notes.interview_id is not None:
            return None
        sent = RecordingIn.model_validate(notes.sent)
        chunks = read_file(self._folder / f"{upload_id}.part")
        try:
            interview, _ = self._ingest.add_recording(chunks, notes.file_name, sent, notes.source, notes.actor, viewer)
        except AppError as error:
            if error.status < 500:  # sending the same bytes again would be refused again
                self._forget(upload_id)
            raise
        notes.interview_id = interview.id
        self._keep_notes(upload_id, notes)
        (self._folder / f"{upload_id}.part").unlink(missing_ok=True)
        return interview

    def _shown(self, upload_id: str, notes: _Notes) -> Upload:
        offset = notes.length if notes.interview_id is not None else self._offset(upload_id)
        return Upload(upload_id, notes.length, offset, notes.interview_id)

    def _offset(self, upload_id: str) -> int:
        return (self._folder / f"{upload_id}.part").stat().st_size

    def _notes(self, upload_id: str, actor: str) -> _Notes:
        unknown = NotFound("unknown_upload", "There is no such upload, or it expired. Begin a new one.")
        if not _ID.fullmatch(upload_id):
            raise unknown
        try:
            notes = _Notes(**json.loads((self._folder / f"{upload_id}.json").read_text()))
        except FileNotFoundError as error:
            raise unknown from error
        if notes.actor != actor:
            raise unknown
        return notes

    def _keep_notes(self, upload_id: str, notes: _Notes) -> None:
        aside = self._folder / f"{upload_id}.json.new"
        aside.write_text(json.dumps(asdict(notes)))
        aside.replace(self._folder / f"{upload_id}.json")

    def _forget(self, upload_id: str) -> None:
        for ending in ("part", "json"):
            (self._folder / f"{upload_id}.{ending}").unlink(missing_ok=True)

    @contextmanager
    def _locked(self, upload_id: str) -> Iterator[BufferedRandom]:
        """Open the bytes for one writer; the lock ends with the process that holds it."""
        try:
            part = (self._folder / f"{upload_id}.part").open("r+b")
        except FileNotFoundError as error:  # complete: nothing more is taken
            raise Conflict("wrong_offset", "The upload is complete: there is nothing more to send.") from error
        with part:
            try:
                fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict(
                    "upload_busy", "Another request is sending this upload. Try again in some seconds."
                ) from error
            yield part

    def _sweep(self) -> None:
        """Throw away what nobody has continued for two days."""
        oldest = time.time() - KEEP_UNFINISHED_S
        for notes in self._folder.glob("upl_*.json"):
            part = notes.with_suffix(".part")
            try:
                touched = max(path.stat().st_mtime for path in (notes, part) if path.exists())
            except (FileNotFoundError, ValueError):  # another request was quicker
                continue
            if touched < oldest:
                self._forget(notes.stem)


def parse_metadata(header: str) -> dict[str, str]:
    """Return the pairs of tus' `Upload-Metadata`: `key base64, key base64`.

    Raises: BadRequest `invalid_metadata`.
    """
    if len(header) > _MOST_METADATA_BYTES:
        raise BadRequest("invalid_metadata", f"Upload-Metadata is longer than {_MOST_METADATA_BYTES} bytes.")
    pairs: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            pairs[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, ValueError) as error:
            raise BadRequest(
                "invalid_metadata", f"Upload-Metadata's {key[:40]!r} is not base64 of UTF-8 text."
            ) from error
    return pairs


def _write(part: BufferedRandom, offset: int, length: int, chunks: Iterable[bytes]) -> None:
    part.seek(offset)
    try:
        for chunk in chunks:
            offset += len(chunk)
            if offset > length:
                raise InvalidInput(
                    "upload_too_long", f"More bytes came than the {length} that were announced.", length=length
                )
            part.write(chunk)
    finally:
        part.flush()


def _packed(sent: RecordingIn) -> dict[str, object]:
    packed: dict[str, object] = sent.model_dump(mode="json", exclude_defaults=True)
    return packed
