from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from core.errors import AppError, InvalidInput, TooLarge
from ingest.checks import MAX_SEGMENTS, Details, check_details, check_segments, title_from_file_name
from ingest.schemas import InterviewIn, RecordingIn, SegmentIn
from ingest.values import TimedSegment

PRAGUE = ZoneInfo("Europe/Prague")


def details(**sent: Any) -> Details:
    return check_details(RecordingIn.model_validate(sent), PRAGUE)


def refused(**sent: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        details(**sent)
    return caught.value.code


def segments(*rows: tuple[int | None, int | None], text: str = "Hello") -> tuple[TimedSegment, ...]:
    return check_segments([SegmentIn(text=text, start_ms=start, end_ms=end) for start, end in rows])


# --- shapes --------------------------------------------------------------------------------------------------------


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        RecordingIn.model_validate({"titel": "x"})
    with pytest.raises(ValidationError, match="Extra inputs"):
        SegmentIn.model_validate({"text": "x", "start": 1})


def test_a_bare_string_is_a_participants_name() -> None:
    assert details(participants=["Ann"]).participants[0].name == "Ann"


def test_control_characters_and_lone_surrogates_are_cleaned_away() -> None:
    sent = InterviewIn.model_validate(
        {"title": "a\x00b\ud800", "segments": [{"text": "x\x07\x1by\r\n", "speaker": " Ann\x00 "}]}
    )
    assert sent.title.startswith("ab")
    assert sent.title.isprintable()
    assert check_segments(sent.segments) == (TimedSegment("xy", speaker="Ann"),)


# --- metadata ------------------------------------------------------------------------------------------------------


def test_tags_are_trimmed_and_kept_once_in_their_first_spelling() -> None:
    assert details(tags=[" Pricing ", "pricing", "", "Two  words"]).tags == ("Pricing", "Two words")


def test_tags_and_vocabulary_may_come_between_commas() -> None:
    assert details(tags="a, b", vocabulary="Earshot,,FAISS").tags == ("a", "b")
    assert details(vocabulary="Earshot,,FAISS, Earshot").vocabulary == ("Earshot", "FAISS")


def test_an_instant_without_an_offset_is_read_in_the_workspaces_zone() -> None:
    assert details(recorded_at="2025-07-01T12:00:00").recorded_at == datetime(2025, 7, 1, 10, tzinfo=UTC)
    assert details(recorded_at="2025-07-01T12:00:00Z").recorded_at == datetime(2025, 7, 1, 12, tzinfo=UTC)
    assert details(recorded_at="2025-07-01").recorded_at == datetime(2025, 6, 30, 22, tzinfo=UTC)


def test_a_language_tag_is_cut_to_its_language() -> None:
    assert details(language="pt_BR").language == "pt"
    assert details(language="EN-us").language == "en"
    assert details(language="").language is None


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"title": "\x00"}, None),
        ({"title": "x" * 301}, "title_too_long"),
        ({"language": "xx"}, "unknown_language"),
        ({"language": "english"}, "unknown_language"),
        ({"recorded_at": "1066-10-14T09:00:00Z"}, "invalid_recorded_at"),
        ({"recorded_at": "9999-12-31T23:59:59-12:00"}, "invalid_recorded_at"),
        ({"tags": [f"tag {n}" for n in range(51)]}, "too_many_tags"),
        ({"tags": ["x" * 61]}, "tags_too_long"),
        ({"participants": ["Ann"] * 101}, "too_many_participants"),
        ({"participants": [" "]}, "empty_participant"),
        ({"participants": [{"name": "Ann", "email": "ann"}]}, "invalid_email"),
        ({"participants": [{"name": "x" * 201}]}, "participants_too_long"),
        ({"external_id": "x" * 201}, "external_id_too_long"),
        ({"vocabulary": [str(n) for n in range(201)]}, "too_much_vocabulary"),
    ],
)
def test_metadata_out_of_bounds_is_refused_with_a_code(sent: dict[str, Any], code: str | None) -> None:
    if code is None:
        assert details(**sent).title is None
    else:
        assert refused(**sent) == code


def test_no_message_quotes_a_name_or_an_address() -> None:
    for sent in ({"participants": [{"name": "Ann Lee", "email": "ann lee"}]}, {"participants": [{"name": "Q" * 201}]}):
        with pytest.raises(InvalidInput) as caught:
            details(**sent)
        assert "Ann" not in caught.value.message
        assert "QQ" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Call_with Ann.m4a", "Call with Ann"),
        ("/tmp/x/Call.final.wav", "Call.final"),
        ("C:\\calls\\one.mp3", "one"),
        (".hidden", ".hidden"),
        ("", "Untitled"),
        ("x" * 400 + ".wav", "x" * 300),
    ],
)
def test_a_title_is_made_of_the_files_name(name: str, title: str) -> None:
    assert title_from_file_name(name) == title


# --- segments ------------------------------------------------------------------------------------------------------


def test_absent_times_overlaps_and_pauses_are_fine() -> None:
    assert len(segments((None, None), (0, 0), (500, 900), (400, 2000), (None, 5000), (90_000, None))) == 6


@pytest.mark.parametrize(
    ("rows", "code", "index"),
    [
        (((0, 5), (10, 9)), "invalid_time", 1),
        (((-1, 5),), "invalid_time", 0),
        (((0, 5), (2, 10**18)), "invalid_time", 1),
        (((0, 5), (600_000, None), (539_999, None)), "times_out_of_order", 2),
    ],
)
def test_broken_times_are_refused_with_the_segments_index(
    rows: tuple[tuple[int | None, int | None], ...], code: str, index: int
) -> None:
    with pytest.raises(InvalidInput) as caught:
        segments(*rows)
    assert (caught.value.code, caught.value.extra["segment"]) == (code, index)
    assert f"Segment {index} " in caught.value.message


def test_a_segment_of_200_kb_is_refused_with_its_index() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_segments([SegmentIn(text="ok"), SegmentIn(text="word " * 40_000)])
    assert caught.value.code == "segment_too_long"
    assert caught.value.extra["segment"] == 1


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([], "no_segments"),
        (["ok", " \x00 "], "empty_segment"),
        (["x"] * (MAX_SEGMENTS + 1), "too_many_segments"),
        (["x" * 100_000] * 101, "transcript_too_large"),
    ],
)
def test_too_much_and_too_little_text_is_refused(texts: list[str], code: str) -> None:
    with pytest.raises(AppError) as caught:
        check_segments([SegmentIn(text=text) for text in texts])
    assert caught.value.code == code
    assert isinstance(caught.value, TooLarge) == code.startswith(("too_many", "transcript"))
