import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from ingest.readers import read_transcript, transcript_kind
from ingest.values import TimedSegment


def read(text: str, kind: str) -> tuple[TimedSegment, ...]:
    return read_transcript(text.encode(), kind).segments


# --- which reader --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.vtt", b"", "vtt"),
        ("A.SRT", b"", "srt"),
        ("notes.txt", b"Hello", "txt"),
        ("notes.md", b"Hello", "txt"),
        ("notes.txt", b"WEBVTT\n\n", "vtt"),
        ("notes.txt", b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHi", "srt"),
        ("export.json", b"{", "json"),
        ("no-extension", b"WEBVTT", "vtt"),
        ("no-extension", b' [{"text"', "json"),
        ("no-extension", b"RIFF....WAVE", None),
        ("talk.wav", b"WEBVTT", None),
        ("talk.mp3", b"Hello", None),
        ("C:\\notes\\a.b.srt", b"", "srt"),
    ],
)
def test_the_extension_says_what_a_file_is_and_the_first_bytes_where_it_does_not(
    name: str, head: bytes, kind: str | None
) -> None:
    assert transcript_kind(name, head) == kind


# --- WebVTT --------------------------------------------------------------------------------------------------------


def test_webvtt_voices_become_speakers() -> None:
    vtt = """WEBVTT - Title
Kind: captions

NOTE a comment
over two lines

STYLE
::cue { color: red }

1
00:01.000 --> 00:02.500 align:start
<v.loud Ann Lee>We <i>lost</i> two days &amp; a &lt;half&gt;.</v>

second
01:00:03.000 --> 01:00:04.000
<v Ann Lee>Really?</v> <v Bo>Yes,
really.

00:05.000 --> 00:06.000
<c.yellow>No voice</c> <00:05.500>here
"""
    assert read(vtt, "vtt") == (
        TimedSegment("We lost two days & a <half>.", 1000, 2500, "Ann Lee"),
        TimedSegment("Really?", 3603000, 3604000, "Ann Lee"),
        TimedSegment("Yes, really.", 3603000, 3604000, "Bo"),
        TimedSegment("No voice here", 5000, 6000),
    )


def test_webvtt_of_meeting_tools_has_names_before_colons() -> None:
    vtt = "WEBVTT\n\n1\n00:01.000 --> 00:02.000\nAnn Lee: Hello.\n\n2\n00:02.000 --> 00:03.000\nBo: Hi: there.\n"
    assert [(s.speaker, s.text) for s in read(vtt, "vtt")] == [("Ann Lee", "Hello."), ("Bo", "Hi: there.")]


def test_one_colon_in_many_captions_is_no_name() -> None:
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\nRemember: never.\n\n" + "".join(
        f"00:0{n}.000 --> 00:0{n}.500\nMore.\n\n" for n in range(2, 6)
    )
    assert read(vtt, "vtt")[0] == TimedSegment("Remember: never.", 1000, 2000)


@pytest.mark.parametrize("timing", ["00:01 --> 00:02", "1 --> 2", "00:00:01.000 --> ", "aa:bb --> cc"])
def test_broken_times_are_refused_with_their_line(timing: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(f"WEBVTT\n\n{timing}\nHello", "vtt")
    assert (caught.value.code, caught.value.extra["line"]) == ("invalid_vtt", 3)


def test_webvtt_without_its_first_line_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Line 1 is not WEBVTT"):
        read("00:01.000 --> 00:02.000\nHello", "vtt")


# --- SRT -----------------------------------------------------------------------------------------------------------


def test_srt_captions_lose_their_markup() -> None:
    srt = (
        "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i>\r\n{\\an8}there\r\n\r\n"
        "2\r\n00:00:03.000 --> 00:00:04,0\r\nBye\r\n"
    )
    assert read(srt, "srt") == (TimedSegment("Hello there", 1000, 2500), TimedSegment("Bye", 3000, 4000))


def test_srt_is_read_without_numbers_without_blank_lines_and_with_blank_lines_inside() -> None:
    srt = "00:00:01,000 --> 00:00:02,000\nOne\n\nstill one\n2\n00:00:03,000 --> 00:00:04,000\nTwo"
    assert [s.text for s in read(srt, "srt")] == ["One still one", "Two"]


def test_srt_that_begins_with_text_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        read("Hello\n\n1\n00:00:01,000 --> 00:00:02,000\nOne", "srt")
    assert caught.value.code == "invalid_srt"


# --- plain text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "[00:00:05] Ann Lee: Hello there.\n[00:01:02] Bo: Hi.",
        "00:00:05 Ann Lee: Hello\nthere.\n\n00:01:02 Bo: Hi.",
        "Ann Lee (00:05): Hello there.\nBo (01:02): Hi.",
        "Ann Lee  0:05\nHello there.\n\nBo  1:02\nHi.",
        "Ann Lee 0:05\n\nHello there.\n\nBo 1:02\n\nHi.",
        "(0:05) Ann Lee: Hello there.\n\n(1:02) Bo: Hi.",
    ],
)
def test_names_and_times_are_found_in_their_usual_places(text: str) -> None:
    assert read(text, "txt") == (
        TimedSegment("Hello there.", 5000, None, "Ann Lee"),
        TimedSegment("Hi.", 62000, None, "Bo"),
    )


def test_time_spans_are_read() -> None:
    assert read("[00:01 - 00:05] Hello.\n[00:06 - 00:07.5] Bye.", "txt") == (
        TimedSegment("Hello.", 1000, 5000),
        TimedSegment("Bye.", 6000, 7500),
    )


def test_names_without_times_are_speakers_and_a_blank_line_keeps_the_speaker() -> None:
    text = "Ann: Hello\nthere.\n\nSecond thought.\n\nBo: Hi.\nAnn: Bye."
    assert [(s.speaker, s.text) for s in read(text, "txt")] == [
        ("Ann", "Hello there."),
        ("Ann", "Second thought."),
        ("Bo", "Hi."),
        ("Ann", "Bye."),
    ]


def test_prose_becomes_paragraphs() -> None:
    text = "We met on\nFriday.\n\nShe said: the export broke.\nIt was late.\n\nThe end."
    assert [(s.speaker, s.text) for s in read(text, "txt")] == [
        (None, "We met on Friday."),
        (None, "She said: the export broke. It was late."),
        (None, "The end."),
    ]


# --- JSON ----------------------------------------------------------------------------------------------------------


def test_our_json_brings_its_metadata_and_passes_over_what_it_does_not_know() -> None:
    file = {
        "title": "Call",
        "language": "en",
        "tags": ["a"],
        "id": "int_1",
        "segments": [{"text": "Hi", "speaker": "Ann", "start_ms": 5, "end_ms": 9, "words": []}],
    }
    transcript = read_transcript(json.dumps(file).encode(), "json")
    assert transcript.segments == (TimedSegment("Hi", 5, 9, "Ann"),)
    assert transcript.details.title == "Call"
    assert transcript.details.model_fields_set == {"title", "language", "tags"}


def test_a_bare_list_of_segments_is_our_json_too() -> None:
    assert read('[{"text": "Hi"}]', "json") == (TimedSegment("Hi"),)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ('{"segments": 5}', "invalid_transcript"),
        ('{"segments": [{"text": 5}]}', "invalid_transcript"),
        ("5", "invalid_transcript"),
        ('{"segments": []}', "no_segments"),
    ],
)
def test_json_that_is_no_transcript_is_refused(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text, "json")
    assert caught.value.code == code


# --- bytes ---------------------------------------------------------------------------------------------------------


def test_utf_16_with_a_mark_and_utf_8_with_one_are_read() -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        assert read_transcript("Žluťoučký kůň".encode(encoding), "txt").segments[0].text == "Žluťoučký kůň"


def test_bytes_that_are_no_utf_8_are_refused_with_their_place() -> None:
    with pytest.raises(InvalidInput, match="byte 4 cannot be read"):
        read_transcript(b"Ann \xff", "txt")


@given(st.binary(max_size=400), st.sampled_from(["vtt", "srt", "txt", "json"]))
def test_any_bytes_are_read_or_refused_with_a_sentence(data: bytes, kind: str) -> None:
    for start in (b"", b"WEBVTT\n\n", b"1\n00:00:01,000 --> 00:00:02,000\n"):
        with suppress(InvalidInput):
            assert read_transcript(start + data, kind).segments


TOKENS = st.sampled_from(
    [
        "WEBVTT\n",
        "\n",
        "-->",
        "00:01.000 --> 00:02.000\n",
        "1\n",
        "<v Ann>",
        "</v>",
        "Ann: ",
        "NOTE",
        "x",
        "[0:01]",
        " ",
    ]
)


@given(st.lists(TOKENS, max_size=40).map("".join), st.sampled_from(["vtt", "srt", "txt"]))
def test_any_order_of_markup_is_read_or_refused_with_a_sentence(text: str, kind: str) -> None:
    with suppress(InvalidInput):
        assert all(segment.text for segment in read("WEBVTT\n\n" + text if kind == "vtt" else text, kind))


def test_readers_are_quick_on_long_lines() -> None:
    # no pattern may need quadratic time: a megabyte of the characters they look for
    for text in (
        "<" * 10**6,
        "Ann " * 250_000,
        "0:" * 500_000,
        "-->" * 300_000,
        "<v " * 300_000,
        "<c " * 300_000,
        "{\\" * 500_000,
    ):
        for start, kind in (
            ("WEBVTT\n\n00:01.000 --> 00:02.000\n", "vtt"),
            ("0:0:1,0 --> 0:0:2,0\n", "srt"),
            ("", "txt"),
        ):
            with suppress(InvalidInput):
                read(start + text, kind)
