"""Writes a transcript as a file: json, vtt, srt, txt, md or docx. The service hands the bytes out.

JSON, VTT and SRT come back in through the readers with the same segments (captions need times: a segment without
stands at the time before it).
"""

from __future__ import annotations

import html
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from core.errors import InvalidInput
from ingest.schemas import InterviewOut, ParticipantOut, SegmentOut, TranscriptFormat

_MEDIA_TYPES = {
    TranscriptFormat.JSON: "application/json",
    TranscriptFormat.VTT: "text/vtt; charset=utf-8",
    TranscriptFormat.SRT: "application/x-subrip; charset=utf-8",
    TranscriptFormat.TXT: "text/plain; charset=utf-8",
    TranscriptFormat.MD: "text/markdown; charset=utf-8",
    TranscriptFormat.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
# How long a caption without an end stays.
_CAPTION_MS = 2000
# Markdown's own signs (CommonMark), so that spoken text never turns into markup or HTML.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LINE_START = re.compile(r"^(\d+)([.)])|^([-+=])", re.MULTILINE)


def write_transcript(
    interview: InterviewOut, segments: Sequence[SegmentOut], wanted: TranscriptFormat | str
) -> tuple[bytes, str, str]:
    """Return bytes, media type and file name. Raises: InvalidInput `unknown_format`."""
    try:
        chosen = TranscriptFormat(wanted)
    except ValueError as error:
        known = ", ".join(TranscriptFormat)
        raise InvalidInput(
            "unknown_format", f"{str(wanted)[:30]!r} is no transcript format; known: {known}.", field="format"
        ) from error
    return _WRITERS[chosen](interview, segments), _MEDIA_TYPES[chosen], f"{_file_stem(interview)}.{chosen.value}"


def _write_json(interview: InterviewOut, segments: Sequence[SegmentOut]) -> bytes:
    head = interview.model_dump(
        mode="json", include={"id", "external_id", "title", "project", "recorded_at", "language", "tags"}
    )
    head["participants"] = [_participant(person) for person in interview.participants]
    head["segments"] = [segment.model_dump(exclude={"ordinal"}, exclude_none=True) for segment in segments]
    return json.dumps(head, ensure_ascii=False, indent=1).encode() + b"\n"


def _participant(person: ParticipantOut) -> dict[str, object]:
    known = person.model_dump(mode="json", exclude_none=True)
    return known if known["consent"] else {name: known[name] for name in known if name != "consent"}


def _write_vtt(_: InterviewOut, segments: Sequence[SegmentOut]) -> bytes:
    cues = ["WEBVTT"]
    for segment, start_ms, end_ms in _with_times(segments):
        text = html.escape(" ".join(segment.text.split()), quote=False)
        if segment.speaker:
            text = f"<v {html.escape(segment.speaker, quote=False)}>{text}</v>"
        cues.append(f"{_clock(start_ms, '.')} --> {_clock(end_ms, '.')}\n{text}")
    return ("\n\n".join(cues) + "\n").encode()


def _write_srt(_: InterviewOut, segments: Sequence[SegmentOut]) -> bytes:
    cues = []
    for number, (segment, start_ms, end_ms) in enumerate(_with_times(segments), start=1):
        # an arrow inside a caption would read as a time
        text = " ".join(segment.text.split()).replace("-->", "→")
        line = f"{segment.speaker}: {text}" if segment.speaker else text
        cues.append(f"{number}\n{_clock(start_ms, ',')} --> {_clock(end_ms, ',')}\n{line}\n")
    return "\n".join(cues).encode()


def _write_txt(_: InterviewOut, segments: Sequence[SegmentOut]) -> bytes:
    lines = []
    for speaker, start_ms, text in _turns(segments):
        time = f"[{_clock(start_ms, '.')[:8]}] " if start_ms is not None else ""
        lines.append(f"{time}{speaker}: {text}" if speaker else f"{time}{text}")
    return ("\n\n".join(lines) + "\n").encode()


def _write_md(interview: InterviewOut, segments: Sequence[SegmentOut]) -> bytes:
    parts = [f"# {_escaped(interview.title)}"]
    parts.extend(f"*{_escaped(line)}*" for line in _subtitle(interview))
    for speaker, start_ms, text in _turns(segments):
        name = f"**{_escaped(speaker)}**" if speaker else ""
        time = f"({_clock(start_ms, '.')[:8]})" if start_ms is not None else ""
        head = " ".join(filter(None, (name, time)))
        parts.append(f"{head}\n{_escaped(text)}" if head else _escaped(text))
    return ("\n\n".join(parts) + "\n").encode()


def _write_docx(interview: InterviewOut, segments: Sequence[SegmentOut]) -> bytes:
    from docx import Document

    document = Document()
    document.core_properties.title = interview.title[:255]  # the format's own limit
    document.core_properties.author = ""
    document.add_heading(interview.title, level=1)
    for line in _subtitle(interview):
        document.add_paragraph(line, style="Subtitle")
    for speaker, start_ms, text in _turns(segments):
        paragraph = document.add_paragraph()
        if speaker:
            paragraph.add_run(speaker).bold = True
        if start_ms is not None:
            paragraph.add_run(f"  {_clock(start_ms, '.')[:8]}").italic = True
        if speaker or start_ms is not None:
            paragraph.add_run().add_break()
        paragraph.add_run(text)
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


_WRITERS: dict[TranscriptFormat, Callable[[InterviewOut, Sequence[SegmentOut]], bytes]] = {
    TranscriptFormat.JSON: _write_json,
    TranscriptFormat.VTT: _write_vtt,
    TranscriptFormat.SRT: _write_srt,
    TranscriptFormat.TXT: _write_txt,
    TranscriptFormat.MD: _write_md,
    TranscriptFormat.DOCX: _write_docx,
}


def _turns(segments: Sequence[SegmentOut]) -> Iterator[tuple[str | None, int | None, str]]:
    """Yield speaker, start and text, with the segments of one speaker joined; unnamed segments stay apart."""
    held: list[SegmentOut] = []
    for segment in segments:
        if held and (segment.speaker is None or segment.speaker != held[0].speaker):
            yield _turn(held)
            held = []
        held.append(segment)
    if held:
        yield _turn(held)


def _turn(held: Sequence[SegmentOut]) -> tuple[str | None, int | None, str]:
    return held[0].speaker, held[0].start_ms, " ".join(" ".join(segment.text.split()) for segment in held)


def _with_times(segments: Sequence[SegmentOut]) -> Iterator[tuple[SegmentOut, int, int]]:
    latest_ms = 0
    for segment in segments:
        start_ms = latest_ms if segment.start_ms is None else segment.start_ms
        end_ms = start_ms + _CAPTION_MS if segment.end_ms is None else segment.end_ms
        latest_ms = max(start_ms, end_ms)
        yield segment, start_ms, latest_ms


def _subtitle(interview: InterviewOut) -> list[str]:
    """Return one line with the day and who took part, if either is known."""
    known = []
    if interview.recorded_at is not None:
        known.append(interview.recorded_at.date().isoformat())
    if interview.participants:
        known.append(", ".join(person.name for person in interview.participants))
    return [" · ".join(known)] if known else []


def _escaped(text: str) -> str:
    text = _MARKDOWN.sub(r"\\\1", text)
    return _LINE_START.sub(lambda found: f"{found[1] or ''}\\{found[2] or found[3]}", text)


def _clock(ms: int, comma: str) -> str:
    seconds, rest_ms = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{comma}{rest_ms:03d}"


def _file_stem(interview: InterviewOut) -> str:
    """Return the title as a file name that every system accepts: letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", interview.title).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:80] or interview.id
