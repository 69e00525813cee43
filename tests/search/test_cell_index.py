"""Blocks, joined and taken apart in any order, say what the interviews said alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.cell_block import CellBlock, count_cells, join_blocks, only_interviews, pack_block, unpack_block
from search.cell_index import CellIndex, with_window_ids
from search.cells import SpokenSegment, cut_cells
from search.speaker_places import places_of_speakers, said_by
from search.words import keys_of

WORDS = ("apple", "boat", "cat", "dog")


def block_of(interview_id: str, texts: list[str], first_id: int = 0) -> CellBlock:
    segments = [SpokenSegment(n, text + " um" * 30, "AB"[n % 2]) for n, text in enumerate(texts)]
    block = count_cells(interview_id, cut_cells(segments))
    return with_window_ids(block, np.arange(first_id, first_id + len(block.window_ids)))


def described(index: CellIndex) -> dict[str, object]:
    """Return what a corpus says of each interview, in words that do not depend on the order of interviews."""
    corpus = index.corpus()
    described: dict[str, object] = {}
    begin, end = corpus.windows
    for number, interview in enumerate(corpus.interviews):
        cells = slice(int(corpus.starts[number]), int(corpus.starts[number + 1]))
        inside = (begin >= cells.start) & (end <= cells.stop)
        times = [corpus.term_times(key) for key in keys_of(WORDS)]
        described[interview] = (
            corpus.first_segment[cells].tolist(),
            corpus.last_segment[cells].tolist(),
            corpus.word_count[cells].tolist(),
            corpus.said_count[cells].tolist(),
            corpus.term_count[cells].tolist(),
            [None if column is None or not column[cells].any() else column[cells].tolist() for column in times],
            said_by(corpus, places_of_speakers(corpus, ["A"]))[cells].tolist(),
            sorted(
                zip(
                    corpus.window_ids[inside].tolist(),
                    (begin[inside] - cells.start).tolist(),
                    (end[inside] - cells.start).tolist(),
                    strict=True,
                )
            ),
        )
    return described


actions = st.lists(
    st.tuples(st.sampled_from("pqrstu"), st.lists(st.sampled_from(WORDS), max_size=9), st.booleans()), max_size=25
)


@settings(deadline=None)
@given(actions)
def test_any_order_of_putting_and_removing_gives_the_same_corpus(steps: list[tuple[str, list[str], bool]]) -> None:
    index = CellIndex()
    expected: dict[str, CellBlock] = {}
    for place, (interview, texts, is_removal) in enumerate(steps):
        if is_removal:
            removed = index.remove(interview)
            gone = expected.pop(interview, None)
            assert sorted(removed.tolist()) == ([] if gone is None else sorted(gone.window_ids.tolist()))
        else:
            expected[interview] = block_of(interview, texts, 100 * place)
            index.put(expected[interview])
    assert described(index) == {k: v for b in expected.values() for k, v in described(CellIndex([b])).items()}


def test_a_block_comes_back_from_its_bytes() -> None:
    index = CellIndex()
    index.put(block_of("p", ["apple", "boat"]))
    index.put(block_of("q", ["cat"], 50))
    assert described(CellIndex([unpack_block(pack_block(join_blocks(index.blocks)))])) == described(index)


def test_speakers_are_known_by_any_word_of_their_names() -> None:
    block = replace(block_of("p", ["apple", "boat"]), speakers=("Ann Lee", "Bo Lee-Moss"))
    corpus = CellIndex([block]).corpus()
    assert corpus.speakers_named(["lee"]) == ("Ann Lee", "Bo Lee-Moss")
    assert corpus.speakers_named(["moss", "bo"]) == ("Bo Lee-Moss",)
    assert corpus.speakers_named(["le", "annlee"]) == ()


def test_blocks_read_together_share_their_words() -> None:
    packed = [pack_block(block_of(name, ["apple boat apple boat"])) for name in ("p", "q")]
    known: dict[str, str] = {}
    first, second = (unpack_block(part, known) for part in packed)
    assert [*map(id, first.words.texts)] == [*map(id, second.words.texts)]
    assert [*map(id, first.sayings.texts)] == [*map(id, second.sayings.texts)]
    assert first.words.texts == unpack_block(packed[0]).words.texts != ()


def test_other_bytes_are_no_block() -> None:
    for other in (b"", b"{}\n", b'{"arrays": [["x", "<i4", 9]]}\n12', b"\xff\xfe\n"):
        with pytest.raises(ValueError, match=r"."):
            unpack_block(other)


def test_an_interview_without_cells_stands_in_a_block_like_any_other() -> None:
    index = CellIndex()
    for name, texts in (("p", []), ("q", ["apple"]), ("r", [])):
        index.put(block_of(name, texts))
    assert index.corpus().size == 1
    index.remove("q")
    assert index.corpus().size == 0
    assert set(index.corpus().interviews) == {"p", "r"}


def test_adding_many_interviews_keeps_few_blocks() -> None:
    index = CellIndex()
    for number in range(200):
        index.put(block_of(str(number), ["apple", "boat"], number * 10))
    assert len(index.corpus().blocks) <= 9


def test_a_corpus_given_out_stays_as_it_is() -> None:
    index = CellIndex()
    index.put(block_of("p", ["apple"]))
    corpus = index.corpus()
    index.remove("p")
    assert corpus.interviews == ("p",)
    assert corpus.size == 1


def test_without_its_only_interview_a_block_is_empty() -> None:
    assert only_interviews(block_of("p", ["apple"]), np.array([False])).size == 0


def test_of_an_interview_that_is_left_out_not_even_a_speaker_remains() -> None:
    index = CellIndex()
    index.put(block_of("p", ["apple", "boat"]))
    index.put(block_of("q", ["cat"], 50))
    kept = only_interviews(join_blocks(index.blocks), np.array([False, True]))
    alone = block_of("q", ["cat"], 50)
    assert kept.speakers == alone.speakers == ("A",)
    assert pack_block(kept) == pack_block(alone)
