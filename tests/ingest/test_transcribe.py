"""What Whisper hears becomes timed segments in the recording's own time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.errors import Unavailable
from ingest.fakes import FakeTranscriber
from ingest.ports import Transcriber
from ingest.values import ListeningOptions, SoundWindow, SpeechSpan
from ingest.whisper_model import ModelLocation
from ingest.whisper_transcriber import WhisperTranscriber, speech_chunks

START_MS = 300_000


class FakeWhisper:
    """Stands where CTranslate2 begins: says what it is told, with times inside the sound it is given."""

    def __init__(self, *said: list[tuple[str, float, float]]) -> None:
        self.said = said
        self.calls: list[dict[str, Any]] = []

    def transcribe(self, audio: np.ndarray, **options: Any) -> tuple[Any, Any]:
        self.calls.append({"seconds": audio.size / 16_000, **options})
        segments = [
            SimpleNamespace(
                start=words[0][1] if words else 0.0,
                end=words[-1][2] if words else 1.0,
                text="".join(text for text, _, _ in words),
                words=[SimpleNamespace(word=w, start=s, end=e, probability=0.9) for w, s, e in words],
            )
            for words in self.said
        ]
        return iter(segments), SimpleNamespace(language=options["language"] or "de")


def window(*speech: tuple[int, int], length_ms: int = 60_000) -> SoundWindow:
    spans = tuple(SpeechSpan(START_MS + start, START_MS + end) for start, end in speech)
    return SoundWindow(START_MS, START_MS + length_ms, False, spans, np.zeros(length_ms * 16, dtype=np.float32))


def transcriber(tmp_path: Any, whisper: FakeWhisper) -> WhisperTranscriber:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        (folder / name).touch()
    loads: Any = lambda location, device: whisper  # noqa: E731
    return WhisperTranscriber(str(folder), tmp_path, load=loads)


def test_times_count_from_the_start_of_the_recording(tmp_path: Any) -> None:
    # Speech begins 10 s into the window; Whisper is given it from 0.4 s before, so 0.4 is second 10.
    whisper = FakeWhisper([(" Hello", 0.4, 0.8), (" there.", 0.8, 1.5)])
    heard = transcriber(tmp_path, whisper).transcribe_window(window((10_000, 12_000)), ListeningOptions("en"))
    (segment,) = heard.segments
    assert (segment.text, segment.start_ms, segment.end_ms) == ("Hello there.", 310_000, 311_100)
    assert [(w.text, w.start_ms, w.end_ms, w.probability) for w in segment.words] == [
        ("Hello", 310_000, 310_400, 0.9),
        ("there.", 310_400, 311_100, 0.9),
    ]


def test_silence_is_never_given_to_whisper(tmp_path: Any) -> None:
    whisper = FakeWhisper()
    heard = transcriber(tmp_path, whisper).transcribe_window(window(), ListeningOptions())
    assert (heard.segments, heard.language, whisper.calls) == ((), None, [])


def test_long_pauses_are_cut_away_and_a_segment_across_one_is_divided(tmp_path: Any) -> None:
    # Two sentences 30 s apart lie 0.8 s apart in what Whisper is given.
    whisper = FakeWhisper([(" First.", 0.4, 1.4), (" Second.", 2.2, 3.2)])
    heard = transcriber(tmp_path, whisper).transcribe_window(
        window((1_000, 2_000), (32_000, 33_000)), ListeningOptions("en")
    )
    assert whisper.calls[0]["seconds"] == pytest.approx(3.6)
    assert [(s.text, s.start_ms, s.end_ms) for s in heard.segments] == [
        ("First.", 301_000, 302_000),
        ("Second.", 332_000, 333_000),
    ]


def test_the_silence_before_a_first_word_is_not_part_of_it(tmp_path: Any) -> None:
    whisper = FakeWhisper([(" Hello", 0.0, 0.8), (" there.", 0.8, 2.6)])
    heard = transcriber(tmp_path, whisper).transcribe_window(window((10_000, 12_000)), ListeningOptions("en"))
    (segment,) = heard.segments
    assert (segment.start_ms, segment.end_ms) == (310_000, 312_000)
    assert segment.words[0].start_ms == 310_000


def test_words_without_spaces_stay_without_spaces(tmp_path: Any) -> None:
    whisper = FakeWhisper([("你", 0.4, 0.6), ("好", 0.6, 0.9)])
    heard = transcriber(tmp_path, whisper).transcribe_window(window((0, 2_000)), ListeningOptions("zh"))
    assert heard.segments[0].text == "你好"


def test_nothing_reaches_beyond_its_window(tmp_path: Any) -> None:
    whisper = FakeWhisper([(" Late", 59.0, 64.0)])
    heard = transcriber(tmp_path, whisper).transcribe_window(window((0, 60_000)), ListeningOptions("en"))
    assert heard.segments[0].end_ms == START_MS + 60_000


def test_the_language_is_found_in_the_first_speech_and_then_kept(tmp_path: Any) -> None:
    whisper = FakeWhisper([(" Hallo.", 0.0, 1.0)])
    made = transcriber(tmp_path, whisper)
    first = made.transcribe_window(window((0, 2_000)), ListeningOptions())
    assert first.language == "de"
    made.transcribe_window(window((0, 2_000)), ListeningOptions(first.language))
    assert [call["language"] for call in whisper.calls] == [None, "de"]


def test_expected_words_are_passed_on_and_the_past_is_not(tmp_path: Any) -> None:
    whisper = FakeWhisper([(" Hi.", 0.0, 1.0)])
    options = ListeningOptions("en", ("Earshot", "Tidewater"))
    transcriber(tmp_path, whisper).transcribe_window(window((0, 2_000)), options)
    call = whisper.calls[0]
    assert call["hotwords"] == "Earshot, Tidewater"
    assert call["condition_on_previous_text"] is False
    assert call["word_timestamps"] is True


def test_the_position_moves_forward_with_every_segment(tmp_path: Any) -> None:
    whisper = FakeWhisper([(" One.", 0.4, 1.0)], [(" Two.", 2.4, 3.0)])
    positions: list[int] = []
    transcriber(tmp_path, whisper).transcribe_window(window((1_000, 5_000)), ListeningOptions("en"), positions.append)
    assert positions == [301_600, 303_600]


def test_speech_keeps_a_margin_inside_its_window() -> None:
    chunks = speech_chunks(window((100, 1_000), (2_500, 3_000), (59_900, 60_000)))
    assert chunks == [{"start": 0, "end": 3_400 * 16}, {"start": 59_500 * 16, "end": 60_000 * 16}]


def test_the_model_is_loaded_once_and_only_when_needed(tmp_path: Any) -> None:
    loads: list[str] = []
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (folder / name).touch()

    def load(location: ModelLocation, device: str) -> Any:
        loads.append(location.name)
        return FakeWhisper([(" Hi.", 0.0, 1.0)])

    made = WhisperTranscriber(str(folder), tmp_path, load=load)
    made.transcribe_window(window(), ListeningOptions())
    assert loads == []
    made.transcribe_window(window((0, 2_000)), ListeningOptions())
    made.prepare()
    assert loads == ["model"]


def test_without_weights_it_says_so(tmp_path: Any) -> None:
    made = WhisperTranscriber("small", tmp_path, may_download=False)
    with pytest.raises(Unavailable, match="not on this machine yet") as caught:
        made.transcribe_window(window((0, 2_000)), ListeningOptions())
    assert caught.value.code == "needs_model"


def test_a_folder_that_holds_no_model_says_so_and_not_that_the_server_is_broken(tmp_path: Any) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        (folder / name).write_text("{}")
    with pytest.raises(Unavailable, match="could not be loaded") as caught:
        WhisperTranscriber(str(folder), tmp_path, "cpu").prepare()
    assert caught.value.code == "needs_model"


@pytest.mark.parametrize("kind", ["fake", "whisper"])
def test_every_transcriber_keeps_the_ports_promises(tmp_path: Any, kind: str) -> None:
    made: Transcriber = FakeTranscriber()
    if kind == "whisper":
        made = transcriber(tmp_path, FakeWhisper([(" a", 0.1, 0.2)], [(" b", 0.5, 0.9), (" c", 0.9, 1.0)]))
    made.prepare()
    heard = made.transcribe_window(window((500, 3_000)), ListeningOptions("en"))
    assert heard == made.transcribe_window(window((500, 3_000)), ListeningOptions("en"))
    assert (heard.start_ms, heard.end_ms, heard.is_last) == (START_MS, START_MS + 60_000, False)
    assert heard.segments
    for segment in heard.segments:
        assert segment.start_ms is not None
        assert segment.end_ms is not None
        assert START_MS <= segment.start_ms <= segment.end_ms <= START_MS + 60_000
        assert all(segment.start_ms <= w.start_ms <= w.end_ms <= segment.end_ms for w in segment.words)
    assert made.transcribe_window(window(), ListeningOptions()).segments == ()
