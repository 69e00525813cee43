import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.cell_texts import CellTexts, pack_texts
from search.cells import CELL_WORDS, Cell, SpokenSegment, cut_cells, weigh, window_bounds, write_turns

texts = st.lists(
    st.text(alphabet="ab c.\n日本é", min_size=1, max_size=400).map(lambda t: t.strip() or "x"), max_size=12
)


def segments(texts: list[str]) -> list[SpokenSegment]:
    return [SpokenSegment(n, text, "AB"[n % 2], n * 1000, n * 1000 + 900) for n, text in enumerate(texts)]


def squeezed(text: str) -> str:
    return "".join(text.split())


@settings(deadline=None)
@given(texts)
def test_every_segment_is_in_the_cells_once_and_in_order(given_texts: list[str]) -> None:
    cells = cut_cells(segments(given_texts))
    said = [said for cell in cells for _, said in cell.turns]
    assert squeezed("".join(said)) == squeezed("".join(given_texts))
    numbers = [(cell.first_segment, cell.last_segment) for cell in cells]
    assert numbers == sorted(numbers)
    assert {n for first, last in numbers for n in range(first, last + 1)} == set(range(len(given_texts)))


@settings(deadline=None)
@given(texts)
def test_a_cell_of_several_segments_has_at_most_50_words(given_texts: list[str]) -> None:
    for cell in cut_cells(segments(given_texts)):
        if cell.last_segment > cell.first_segment:
            assert sum(weigh(said) for _, said in cell.turns) <= CELL_WORDS


def test_a_very_long_segment_is_cut_at_sentences_and_its_time_goes_with_the_text() -> None:
    sentence = "This is a sentence of exactly nine words, no more. "
    cells = cut_cells([SpokenSegment(0, (sentence * 100).strip(), "A", 0, 100_000)])
    assert len(cells) == 20
    assert all(cell.text.endswith("no more.") for cell in cells)
    assert {(cell.first_segment, cell.last_segment) for cell in cells} == {(0, 0)}
    starts = [cell.start_ms for cell in cells]
    assert starts[0] == 0
    assert starts == sorted(start for start in starts if start is not None)
    assert cells[-1].end_ms == 100_000


def test_a_long_text_without_sentences_or_spaces_is_cut_too() -> None:
    cells = cut_cells([SpokenSegment(0, "a" * 200_000)])
    assert max(len(cell.text) for cell in cells) < 5000
    cells = cut_cells([SpokenSegment(0, "日本語" * 10_000)])
    assert max(len(cell.text) for cell in cells) < 200


@settings(deadline=None)
@given(st.integers(0, 60))
def test_windows_cover_all_cells_and_end_with_them(count: int) -> None:
    bounds = window_bounds(count)
    assert {cell for begin, end in bounds for cell in range(begin, end)} == set(range(count))
    assert all(0 < end - begin <= 4 for begin, end in bounds)
    assert bounds == sorted(set(bounds))


def test_a_turn_that_goes_on_keeps_one_line_and_one_name() -> None:
    assert write_turns([("A", "one"), ("A", "two"), ("B", "three"), (None, "four")]) == "A: one two\nB: three\nfour"


@pytest.mark.parametrize("count", [0, 1, 8, 9, 27])
def test_any_run_of_cells_comes_back_from_the_bytes_of_all(count: int) -> None:
    cells = [Cell(n, n, None if n % 2 else n, n + 900, (("Zoë", f"one {n}"), (None, ""))) for n in range(count)]
    texts = CellTexts(pack_texts(cells))
    assert texts.every() == cells
    for begin in range(count + 2):
        for end in range(begin, count + 2):
            assert texts.cells(begin, end) == cells[begin:end]


def test_cells_that_an_older_earshot_stored_in_one_piece_are_read() -> None:
    stored = zlib.compress(json.dumps([[0, 1, None, 900, [["Zoë", "one"]]], [2, 2, 0, 5, [[None, "two"]]]]).encode())
    first, second = CellTexts(stored).every()
    assert (first.turns, second.turns) == ((("Zoë", "one"),), ((None, "two"),))
    assert CellTexts(stored).cells(1, 2) == [second]
