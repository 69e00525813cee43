"""Does what was sent make sense? Limits, languages, times; the sentences name the segment and never quote it.

The service calls these after pydantic has checked the shapes; readers of files end here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from core.errors import InvalidInput, TooLarge
from core.text import clean_text
from ingest import languages
from ingest.schemas import Consent, ParticipantIn, RecordingIn, SegmentIn
from ingest.values import TimedSegment

MAX_SEGMENTS = 20_000
MAX_TEXT_BYTES = 10_000_000
MAX_SEGMENT_BYTES = 100_000
MAX_TIME_MS = 100 * 3_600_000
# People talk over each other and recorders disagree; a start this far before an earlier one is a broken file.
MAX_STEP_BACK_MS = 60_000
MAX_TITLE = 300
MAX_NAME = 200
MAX_EXTERNAL_ID = 200
MAX_PARTICIPANTS = 100
MAX_TAGS = 50
MAX_TAG = 60
MAX_VOCABULARY = 200
MAX_EMAIL = 254


@dataclass(frozen=True, slots=True)
class Details:
    """The metadata of an interview after checking; `title` is None where the caller must find one."""

    title: str | None
    external_id: str | None
    project: str | None
    team: str | None
    recorded_at: datetime | None
    language: str | None
    participants: tuple[ParticipantIn, ...]
    tags: tuple[str, ...]
    vocabulary: tuple[str, ...]


def check_details(sent: RecordingIn, zone: tzinfo) -> Details:
    """Return the metadata, normalised; an instant without an offset is taken in `zone`. Raises: InvalidInput."""
    return Details(
        title=None if sent.title is None else check_title(sent.title),
        external_id=_limited(sent.external_id, MAX_EXTERNAL_ID, "external_id"),
        project=_limited(sent.project, MAX_NAME, "project"),
        team=_limited(sent.team, MAX_NAME, "team"),
        recorded_at=_instant(sent.recorded_at, zone),
        language=_language(sent.language),
        participants=_participants(sent.participants),
        tags=_tags(sent.tags),
        vocabulary=_vocabulary(sent.vocabulary),
    )


def check_title(title: str) -> str:
    """Return the title on one line. Raises: InvalidInput `empty_title` or `title_too_long`."""
    title = _one_line(title)
    if not title:
        raise InvalidInput("empty_title", "The title is empty. Say what the interview was about.", field="title")
    return _limited(title, MAX_TITLE, "title") or title


def title_from_file_name(file_name: str) -> str:
    """Return a title from a file's name: its last part without extension, cut to the limit."""
    last = clean_text(file_name).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    stem = last.rsplit(".", 1)[0] if "." in last[1:] else last
    return _one_line(stem.replace("_", " "))[:MAX_TITLE].strip() or "Untitled"


def check_listenable(language: str | None) -> None:
    """Raise InvalidInput `language_not_supported` for a language no Whisper model listens to."""
    if language is not None and languages.listening_code(language) not in languages.LISTENABLE:
        raise InvalidInput(
            "language_not_supported",
            f"Recordings in {language!r} cannot be transcribed. Leave `language` out to have it found, or send a "
            "transcript.",
            field="language",
        )


def check_segments(sent: Sequence[SegmentIn | TimedSegment]) -> tuple[TimedSegment, ...]:
    """Return the segments, cleaned. Raises: InvalidInput or TooLarge that name the segment by its index from 0."""
    if not sent:
        raise InvalidInput("no_segments", "There is no text: `segments` is empty. Send at least one.", field="segments")
    if len(sent) > MAX_SEGMENTS:
        raise TooLarge(
            "too_many_segments",
            f"The transcript has {len(sent)} segments; at most {MAX_SEGMENTS} are accepted. Split it in parts.",
            field="segments",
        )
    total_bytes, latest_ms = 0, 0
    checked: list[TimedSegment] = []
    for index, segment in enumerate(sent):
        text = _segment_text(index, segment.text)
        total_bytes += len(text.encode())
        if total_bytes > MAX_TEXT_BYTES:
            raise TooLarge(
                "transcript_too_large",
                f"The transcript holds more than {MAX_TEXT_BYTES} bytes of text. Split it in parts.",
                field="segments",
            )
        latest_ms = _check_times(index, segment.start_ms, segment.end_ms, latest_ms)
        speaker = _one_line(clean_text(segment.speaker or "")) or None
        if speaker and len(speaker) > MAX_NAME:
            raise _bad_segment("speaker_too_long", index, f"has a speaker of {len(speaker)} characters")
        words = segment.words if isinstance(segment, TimedSegment) else ()
        checked.append(TimedSegment(text, segment.start_ms, segment.end_ms, speaker, words))
    return tuple(checked)


def _segment_text(index: int, raw: str) -> str:
    text = clean_text(raw)
    if not text:
        raise _bad_segment("empty_segment", index, "has no text")
    size_bytes = len(text.encode())
    if size_bytes > MAX_SEGMENT_BYTES:
        raise _bad_segment(
            "segment_too_long",
            index,
            f"has {size_bytes} bytes of text; at most {MAX_SEGMENT_BYTES} are accepted",
        )
    return text


def _check_times(index: int, start_ms: int | None, end_ms: int | None, latest_ms: int) -> int:
    """Return the latest start so far."""
    for name, value in (("start_ms", start_ms), ("end_ms", end_ms)):
        if value is not None and not 0 <= value <= MAX_TIME_MS:
            raise _bad_segment("invalid_time", index, f"has {name} {value}, which is not within 0 … {MAX_TIME_MS}")
    if start_ms is not None and end_ms is not None and end_ms < start_ms:
        raise _bad_segment("invalid_time", index, f"ends at {end_ms} ms, before it starts at {start_ms} ms")
    if start_ms is None:
        return latest_ms
    if start_ms < latest_ms - MAX_STEP_BACK_MS:
        raise _bad_segment(
            "times_out_of_order", index, f"starts at {start_ms} ms, after one that starts at {latest_ms} ms"
        )
    return max(latest_ms, start_ms)


def _bad_segment(code: str, index: int, what: str) -> InvalidInput:
    return InvalidInput(code, f"Segment {index} (counted from 0) {what}.", field=f"segments.{index}", segment=index)


def _language(sent: str | None) -> str | None:
    if sent is None:
        return None
    code = languages.base_code(sent)
    if code not in languages.KNOWN:
        raise InvalidInput(
            "unknown_language",
            f"{sent[:20]!r} is no language code of ISO 639-1 such as 'en' or 'cs'.",
            field="language",
        )
    return code


def _instant(sent: datetime | None, zone: tzinfo) -> datetime | None:
    if sent is None:
        return None
    if not 1900 <= sent.year <= 2200:
        raise InvalidInput(
            "invalid_recorded_at",
            f"recorded_at is in the year {sent.year}; 1900 to 2200 are accepted.",
            field="recorded_at",
        )
    aware = sent.replace(tzinfo=zone) if sent.tzinfo is None else sent
    aware = aware.astimezone(UTC)
    return aware.replace(microsecond=aware.microsecond // 1000 * 1000)


def _participants(sent: Sequence[ParticipantIn]) -> tuple[ParticipantIn, ...]:
    if len(sent) > MAX_PARTICIPANTS:
        raise InvalidInput(
            "too_many_participants",
            f"There are {len(sent)} participants; at most {MAX_PARTICIPANTS} are accepted.",
            field="participants",
        )
    checked = []
    for index, person in enumerate(sent):
        where = f"participants.{index}"
        name = _one_line(person.name)
        if not name:
            raise InvalidInput("empty_participant", f"Participant {index} (counted from 0) has no name.", field=where)
        if person.email is not None and (" " in person.email or not 0 < person.email.find("@") < len(person.email) - 1):
            raise InvalidInput(
                "invalid_email",
                f"The e-mail of participant {index} (counted from 0) is not an address.",
                field=where,
            )
        checked.append(
            ParticipantIn(
                name=_limited(name, MAX_NAME, where) or name,
                email=_limited(person.email, MAX_EMAIL, where),
                role=_limited(person.role, MAX_NAME, where),
                speaker=_limited(person.speaker, MAX_NAME, where),
                consent=_consent(person.consent, where),
            )
        )
    return tuple(checked)


def _consent(sent: Consent | None, where: str) -> Consent | None:
    day = None if sent is None else sent.keep_until
    if day is not None:
        check_keep_until(day, f"{where}.consent.keep_until")
    return sent


def check_keep_until(day: date, field: str) -> None:
    """Raise InvalidInput `invalid_keep_until` for a day of another century."""
    if not 2000 <= day.year <= 2200:
        raise InvalidInput(
            "invalid_keep_until", f"keep_until is in the year {day.year}; 2000 to 2200 are accepted.", field=field
        )


def _tags(sent: Iterable[str]) -> tuple[str, ...]:
    """Trim, drop empty ones, keep the first spelling of each."""
    kept: dict[str, str] = {}
    for raw in sent:
        tag = _one_line(raw)
        if tag:
            kept.setdefault(tag.casefold(), _limited(tag, MAX_TAG, "tags") or tag)
    if len(kept) > MAX_TAGS:
        raise InvalidInput(
            "too_many_tags", f"There are {len(kept)} tags; at most {MAX_TAGS} are accepted.", field="tags"
        )
    return tuple(kept.values())


def _vocabulary(sent: Iterable[str]) -> tuple[str, ...]:
    words = dict.fromkeys(_one_line(word) for word in sent)
    words.pop("", None)
    if len(words) > MAX_VOCABULARY:
        raise InvalidInput(
            "too_much_vocabulary",
            f"There are {len(words)} vocabulary entries; at most {MAX_VOCABULARY} are accepted.",
            field="vocabulary",
        )
    return tuple(_limited(word, MAX_NAME, "vocabulary") or word for word in words)


def _limited(text: str | None, limit: int, field: str) -> str | None:
    if text is not None and len(text) > limit:
        raise InvalidInput(
            f"{field.split('.')[0]}_too_long",
            f"`{field}` has {len(text)} characters; at most {limit} are accepted.",
            field=field,
        )
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())
