from hypothesis import given
from hypothesis import strategies as st

from ingest.speaker_naming import assign_speakers
from ingest.values import SpeakerTurn, TimedSegment, Word

TURNS = (SpeakerTurn(0, 4000, "Speaker 1"), SpeakerTurn(5000, 9000, "Speaker 2"))


def spoken(text: str, start_ms: int, step_ms: int = 400) -> TimedSegment:
    words = tuple(
        Word(word, start_ms + n * step_ms, start_ms + (n + 1) * step_ms) for n, word in enumerate(text.split())
    )
    return TimedSegment(text, start_ms, words[-1].end_ms, None, words)


def test_a_segment_is_spoken_by_whoever_is_heard_longest_in_it() -> None:
    segments = [TimedSegment("a", 0, 900), TimedSegment("b", 3500, 7000), TimedSegment("c", 8000, 9000)]
    named = assign_speakers(segments, TURNS)
    assert [segment.speaker for segment in named] == ["Speaker 1", "Speaker 2", "Speaker 2"]


def test_between_the_turns_the_nearest_voice_is_meant() -> None:
    segments = [TimedSegment("a", 4100, 4300), TimedSegment("b", 4700, 4900), TimedSegment("c", 20_000, 21_000)]
    named = assign_speakers(segments, TURNS)
    assert [segment.speaker for segment in named] == ["Speaker 1", "Speaker 2", "Speaker 2"]


def test_a_segment_is_cut_where_the_voice_changes() -> None:
    (first, second) = assign_speakers([spoken("we lost it. really? oh no", 3000, 500)], TURNS)
    assert (first.text, first.speaker, first.start_ms, first.end_ms) == ("we lost it.", "Speaker 1", 3000, 4500)
    assert (second.text, second.speaker, second.start_ms, second.end_ms) == ("really? oh no", "Speaker 2", 4500, 6000)
    assert [word.text for word in second.words] == ["really?", "oh", "no"]


def test_a_slip_of_one_short_word_cuts_nothing() -> None:
    turns = (SpeakerTurn(0, 2000, "A"), SpeakerTurn(2000, 2300, "B"), SpeakerTurn(2300, 9000, "A"))
    (only,) = assign_speakers([spoken("one two three four five six seven eight", 0, 300)], turns)
    assert (only.speaker, len(only.words)) == ("A", 8)


def test_text_without_spaces_is_cut_between_its_words() -> None:
    words = (Word("語語", 3000, 3900), Word("語。", 3900, 4400), Word("はい", 5000, 6000))
    named = assign_speakers([TimedSegment("語語語。はい", 3000, 6000, None, words)], TURNS)
    assert [(segment.text, segment.speaker) for segment in named] == [("語語語。", "Speaker 1"), ("はい", "Speaker 2")]


def test_without_turns_or_times_nobody_is_named() -> None:
    assert assign_speakers([spoken("a b", 0)], ())[0].speaker is None
    assert assign_speakers([TimedSegment("a")], TURNS) == [TimedSegment("a")]


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 3000), st.sampled_from("ABC")), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 12), st.integers(10, 900)), max_size=5),
)
def test_naming_neither_loses_nor_doubles_a_word(
    spans: list[tuple[int, int, str]], spoken_at: list[tuple[int, int, int]]
) -> None:
    turns, at = [], 0
    for pause, length, speaker in spans:
        turns.append(SpeakerTurn(at + pause, at + pause + length, speaker))
        at += pause + length
    segments = [spoken(" ".join(f"w{n}" for n in range(words)), start, step) for start, words, step in spoken_at]
    named = assign_speakers(segments, turns)
    assert " ".join(segment.text for segment in named) == " ".join(segment.text for segment in segments)
    assert [word for segment in named for word in segment.words] == [w for s in segments for w in s.words]
    assert all(segment.speaker for segment in named)
    assert all((segment.start_ms or 0) <= (segment.end_ms or 0) for segment in named)
