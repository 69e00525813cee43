import io
import json
from datetime import UTC, datetime

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.text import clean_text
from ingest.checks import check_segments
from ingest.readers import read_transcript
from ingest.schemas import InterviewOut, InterviewStatus, ParticipantOut, SegmentOut, TranscriptFormat
from ingest.values import TimedSegment
from ingest.writers import write_transcript

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def interview(title: str = "Call with Žofie / 2") -> InterviewOut:
    return InterviewOut(
        id="int_1", external_id="x1", source="cli", title=title, project="onboarding", team=None,
        recorded_at=NOW, language="en",
        participants=[ParticipantOut(name="Ann *Lee*", email=None, role="buyer", speaker="Ann")], tags=["a"],
        status=InterviewStatus.READY, progress=1, step=None, notice=None, error=None, has_recording=False,
        has_video=False, media_type=None, file_name=None, size_bytes=None, duration_ms=None, transcribed_by=None,
        segment_count=0, passage_count=0, revision=1, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


SEGMENTS = [
    SegmentOut(ordinal=0, speaker="Ann", start_ms=83_200, end_ms=85_000, text="We lost <b>two</b> days & more."),
    SegmentOut(ordinal=1, speaker="Ann", start_ms=85_000, end_ms=86_000, text="# 1. really --> yes"),
    SegmentOut(ordinal=2, speaker="Bo", start_ms=3_700_000, end_ms=None, text="Oh."),
    SegmentOut(ordinal=3, speaker=None, start_ms=None, end_ms=None, text="(laughs)"),
]


def written(wanted: TranscriptFormat) -> str:
    return write_transcript(interview(), SEGMENTS, wanted)[0].decode()


def test_the_file_is_named_after_the_title_in_plain_letters() -> None:
    assert write_transcript(interview(), SEGMENTS, "srt")[1:] == (
        "application/x-subrip; charset=utf-8",
        "Call-with-Zofie-2.srt",
    )
    assert write_transcript(interview("语言"), SEGMENTS, "txt")[2] == "int_1.txt"


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        write_transcript(interview(), SEGMENTS, "pdf")
    assert caught.value.code == "unknown_format"


def test_json_has_the_metadata_and_every_segment() -> None:
    file = json.loads(written(TranscriptFormat.JSON))
    assert file["title"] == "Call with Žofie / 2"
    assert file["participants"] == [{"name": "Ann *Lee*", "role": "buyer", "speaker": "Ann"}]
    assert file["segments"][2] == {"speaker": "Bo", "start_ms": 3_700_000, "text": "Oh."}


def test_vtt_has_voices_and_escaped_text() -> None:
    vtt = written(TranscriptFormat.VTT)
    assert vtt.startswith("WEBVTT\n\n00:01:23.200 --> 00:01:25.000\n<v Ann>We lost &lt;b&gt;two&lt;/b&gt; days &amp;")
    assert "01:01:40.000 --> 01:01:42.000\n<v Bo>Oh.</v>\n\n01:01:42.000 --> 01:01:44.000\n(laughs)\n" in vtt


def test_srt_has_numbers_and_commas() -> None:
    assert "2\n00:01:25,000 --> 00:01:26,000\nAnn: # 1. really → yes\n" in written(TranscriptFormat.SRT)


def test_txt_and_md_join_a_speakers_segments() -> None:
    assert written(TranscriptFormat.TXT).startswith("[00:01:23] Ann: We lost <b>two</b> days & more. # 1. really")
    markdown = written(TranscriptFormat.MD)
    assert "# Call with Žofie / 2\n\n*2025-03-01 · Ann \\*Lee\\**" in markdown
    assert "**Ann** (00:01:23)\nWe lost \\<b\\>two\\</b\\> days \\& more. \\# 1. really --\\> yes" in markdown
    assert markdown.endswith("\n\n(laughs)\n")


def test_docx_opens_in_word_with_names_and_times() -> None:
    document = Document(io.BytesIO(write_transcript(interview(), SEGMENTS, "docx")[0]))
    lines = [paragraph.text for paragraph in document.paragraphs]
    assert lines[:2] == ["Call with Žofie / 2", "2025-03-01 · Ann *Lee*"]
    assert lines[2].startswith("Ann  00:01:23\nWe lost <b>two</b> days")
    assert lines[-1] == "(laughs)"


NAMES = st.sampled_from([None, "Ann", "Bo Li", "R&D <team>"])
TEXTS = st.text(min_size=1, max_size=60).map(lambda text: " ".join(clean_text(text).split())).filter(bool)
TIMES = st.tuples(st.integers(0, 50_000), st.integers(0, 9_000))


@given(st.lists(st.tuples(NAMES, TEXTS, TIMES), min_size=1, max_size=8), st.sampled_from(["json", "vtt"]))
def test_what_was_written_as_json_or_vtt_is_read_back_unchanged(
    rows: list[tuple[str | None, str, tuple[int, int]]], kind: str
) -> None:
    segments = [
        SegmentOut(ordinal=n, speaker=name, start_ms=60_000 * n + start, end_ms=60_000 * n + start + length, text=text)
        for n, (name, text, (start, length)) in enumerate(rows)
    ]
    again = read_transcript(write_transcript(interview(), segments, kind)[0], kind)
    if any(segment.speaker for segment in segments) or kind == "json":
        assert check_segments(again.segments) == tuple(
            TimedSegment(s.text, s.start_ms, s.end_ms, s.speaker) for s in segments
        )
