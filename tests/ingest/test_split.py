from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.text import count_words
from ingest.split import MAX_WORDS, split_passages, word_weight
from ingest.values import PassageDraft, TimedSegment

SENTENCE = "We lost two days because the export broke again on Friday. "


def spoken(drafts: tuple[PassageDraft, ...]) -> str:
    """The passages' text without names and white space."""
    lines = [line for draft in drafts for line in draft.text.split("\n")]
    return "".join("".join(line.split(": ", 1)[-1].split()) for line in lines)


def test_short_turns_are_joined_with_the_names_before_them() -> None:
    segments = [
        TimedSegment("How do you export?", 0, 2000, "Ann"),
        TimedSegment("Every Friday.", 2000, 4000, "Bo"),
        TimedSegment("By hand.", 4000, 5000, "Bo"),
    ]
    (draft,) = split_passages(segments)
    assert draft.text == "Ann: How do you export?\nBo: Every Friday. By hand."
    assert (draft.first_segment, draft.last_segment) == (0, 2)
    assert (draft.start_ms, draft.end_ms) == (0, 5000)
    assert draft.speakers == ("Ann", "Bo")


def test_nothing_gives_no_passages() -> None:
    assert split_passages([]) == ()


def test_a_passage_ends_with_a_turn_rather_than_in_one() -> None:
    turns = [TimedSegment(SENTENCE.strip(), speaker=name) for name in ("Ann", "Ann", "Ann", "Bo", "Bo", "Bo") * 5]
    drafts = split_passages(turns)
    assert len(drafts) > 1
    for before, after in pairwise(drafts):
        assert turns[before.last_segment].speaker != turns[after.first_segment].speaker


def test_a_passage_ends_with_a_sentence_when_one_person_speaks() -> None:
    fragments = [
        TimedSegment(text, speaker="Ann")
        for text in ("and then the export,", "the one I told you about,", "broke.") * 40
    ]
    drafts = split_passages(fragments)
    assert len(drafts) > 1
    assert all(draft.text.endswith("broke.") for draft in drafts)


def test_a_long_segment_is_cut_at_sentences_and_keeps_its_number_and_times() -> None:
    long = TimedSegment(SENTENCE.strip() + " " + SENTENCE * 60, 10_000, 70_000, "Ann")
    drafts = split_passages([TimedSegment("Hello.", 0, 900, "Bo"), long, TimedSegment("Bye.", 71_000, 72_000, "Bo")])
    parts = drafts[1:-1]
    assert {(part.first_segment, part.last_segment) for part in parts} == {(1, 1)}
    assert all(part.text.startswith("Ann: We lost") and part.text.endswith("Friday.") for part in parts)
    assert all(100 <= count_words(part.text) <= MAX_WORDS for part in parts)
    times = [time for part in parts for time in (part.start_ms, part.end_ms)]
    assert times == sorted(times, key=lambda time: time or 0)
    assert (times[0], times[-1]) == (10_000, 70_000)


def test_text_without_spaces_or_sentences_is_cut_too() -> None:
    for text in ("x" * 50_000, "語" * 5_000, "word " * 3_000):
        drafts = split_passages([TimedSegment(text.strip())])
        assert all(word_weight(draft.text) <= MAX_WORDS for draft in drafts)
        assert spoken(drafts) == text.replace(" ", "")


WORDS = st.sampled_from(
    ["export", "broke", "again.", "why?", "語語語。", "Ann", "antidisestablishmentarianism", "ok…", "!"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=600).map(" ".join)
SEGMENTS = st.lists(
    st.builds(TimedSegment, text=TEXTS, speaker=st.sampled_from([None, "Ann", "Bo Li", "Speaker 1"])),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(SEGMENTS)
def test_every_segment_is_covered_once_in_order_and_no_passage_is_too_long(
    segments: list[TimedSegment],
) -> None:
    drafts = split_passages(segments)
    assert spoken(drafts) == "".join("".join(segment.text.split()) for segment in segments)
    reached = 0
    for draft in drafts:
        assert draft.first_segment <= draft.last_segment < len(segments)
        # either the next segment, or another part of the one before
        assert draft.first_segment in (reached, reached - 1)
        assert draft.first_segment == reached or draft.first_segment == draft.last_segment
        reached = draft.last_segment + 1
        assert count_words(draft.text) < 400
        assert word_weight(draft.text) <= MAX_WORDS + 20
    assert reached == len(segments)
