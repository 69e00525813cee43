"""The bench of search at scale: its worlds are what it says they are, and it runs from end to end on a small one."""

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench import search_scale
from bench.search_asking import Moment, recall
from bench.search_scale import Plan, growth, table
from bench.search_worlds import LIKENESS, TAGS, Source, build_world, make_queries, make_source, tagged_interviews
from core.clock import SystemClock
from core.database import Database
from search.fakes import FakeEmbedder, FakeVectorIndexes
from search.index_keeper import IndexKeeper
from search.service import SearchService
from search.sqlite_full_text import SqliteFullText
from search.values import SearchFilters, SearchRequest

SPEAKERS = ("Jana", "Tom", "Petra")
NOUNS = ("invoice", "export", "handset", "menu", "battery", "warranty", "dashboard", "contract", "colour", "keyboard")
VERBS = ("fails", "pleases", "confuses", "replaces", "delays", "improves", "hides", "explains")
QUESTIONS = ("What did they say about the invoice?", "Why does the export fail?", "Summarize the talk about warranty.")
Talk = list[tuple[str | None, str]]


def make_talks(count: int, turns: int = 60) -> list[Talk]:
    """Return talks of our own, about forty words a turn."""
    draw = random.Random(5)
    sentence = "I think that the {} {} the {} whenever our {} customers open it again"
    return [
        [
            (
                draw.choice(SPEAKERS),
                ". ".join(
                    sentence.format(draw.choice(NOUNS), draw.choice(VERBS), draw.choice(NOUNS), draw.choice(NOUNS))
                    for _ in range(3)
                ),
            )
            for _ in range(turns)
        ]
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def source() -> Source:
    return make_source(make_talks(4), FakeEmbedder(), None)


def test_a_moment_is_the_same_when_half_of_the_longer_one_is_shared() -> None:
    moment = Moment("a", 10, 19)
    assert moment.is_same(Moment("a", 15, 24))
    assert moment.is_same(Moment("a", 10, 14))
    assert not moment.is_same(Moment("a", 16, 25))
    assert not moment.is_same(Moment("a", 12, 13))
    assert not moment.is_same(Moment("b", 10, 19))


def test_recall_counts_each_found_moment_once_and_leaves_out_questions_without_an_answer() -> None:
    one, other = Moment("a", 0, 9), Moment("a", 5, 14)
    assert recall([[one], []], [[one, other], []]) == 0.5
    assert recall([[]], [[]]) == 1.0


def test_a_made_interview_is_the_same_every_time_and_no_two_are_alike(source: Source) -> None:
    first, again, other = source.make(3), source.make(3), source.make(4)
    assert first.segments == again.segments
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(first.windows, again.windows, strict=True))
    assert {segment.text for segment in first.segments}.isdisjoint(segment.text for segment in other.segments)
    assert 140 <= len(first.cells) <= 260


def test_about_a_tenth_of_the_words_is_changed_and_few_of_them_are_new(source: Source) -> None:
    real = [text.split() for meeting in source.meetings for cell in meeting.cells for _, text in cell.turns]
    known = {word for words in real for word in words}
    made = [segment.text.split() for segment in source.make(1).segments]
    changed = sum(min(sum(a != b for a, b in zip(words, ours, strict=True)) for words in real) for ours in made)
    count = sum(map(len, made))
    assert 0.05 < changed / count < 0.12  # a word may be replaced by itself, and full stops stay
    assert 0.001 < sum(word not in known for words in made for word in words) / count < 0.02


def test_the_vector_of_a_made_window_is_near_that_of_a_real_one(source: Source) -> None:
    real = np.concatenate([meeting.vectors for meeting in source.meetings])
    nearest = [float((real @ vector).max()) for _, vector in source.make(2).windows]
    assert LIKENESS[0] - 0.15 < min(nearest)
    assert LIKENESS[0] < float(np.median(nearest)) < LIKENESS[1] + 0.02
    assert all(abs(float(np.linalg.norm(vector)) - 1) < 1e-5 for _, vector in source.make(2).windows)


def test_queries_are_all_different_and_begin_with_what_people_asked(source: Source) -> None:
    queries = make_queries(QUESTIONS, source, 40)
    assert len(set(queries)) == len(queries) == 40
    assert set(queries[0:6:2]) == set(QUESTIONS)
    assert all(2 <= len(query.split()) <= 3 for query in queries[1::2])
    assert queries == make_queries(QUESTIONS, source, 40) != make_queries(QUESTIONS, source, 40, seed=2)


def test_a_built_world_is_searched_whole_and_by_its_tags(tmp_path: Path, source: Source) -> None:
    embedder = FakeEmbedder()
    cells = build_world(tmp_path, 300, source, embedder.name, processes=0, cells_each=(15, 25))
    database = Database(f"sqlite:///{tmp_path / 'earshot.db'}")
    keeper = IndexKeeper(FakeVectorIndexes(), tmp_path / "index")
    search = SearchService(database, lambda _: embedder, embedder.name, keeper, SqliteFullText(), SystemClock())
    status = search.status()
    assert (status.interviews, status.is_complete, status.windows) == (15, True, status.vectors)
    assert 250 <= cells <= 350
    assert len(search.search(SearchRequest("invoice export")).results) == 10
    for tag, ids in tagged_interviews(15).items():
        found = search.search(SearchRequest("invoice export", filters=SearchFilters(tag=tag), limit=50))
        assert {result.interview.id for result in found.results} <= ids
        assert len(ids) == max(1, round(15 * TAGS[tag]))
    database.close()


def test_growth_stands_beside_each_figure() -> None:
    sizes = {10: {"p95_ms": 2.0, "errors": 0}, 100: {"p95_ms": 5.0, "errors": 0, "recall": 1.0}}
    assert growth(sizes[10], sizes[100]) == {"p95_ms": 2.5}
    lines = table(sizes).splitlines()
    assert lines[1].split() == ["p95_ms", "2", "5", "2.5"]
    assert lines[3].split() == ["recall", "-", "1", "-"]


@pytest.mark.slow  # five processes, two of them servers with the real model
def test_the_whole_bench_runs_on_three_hundred_cells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "talks", make_talks(4, turns=24))
    small = Plan(queries=6, exact=4, added=4, deleted=2, indexed=2, processes=0, cells_each=(15, 25))
    monkeypatch.setattr(search_scale, "Plan", lambda **_: small)
    monkeypatch.setattr(sys, "argv", ["search_scale", str(tmp_path / "talks"), "--cells", "150,300"])
    search_scale.main()
    printed = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    for figures in printed["sizes"].values():
        recalls = [value for name, value in figures.items() if name.endswith("_recall")]
        assert recalls == [1.0] * 7  # as small as that, everything is scored
        assert [figures[f"changing_{name}"] for name in ("errors", "ghosts", "lost")] == [0, 0, 0]
        assert figures["changing_deleted"] == 2
    assert printed["growth"]["150 to 300"]["interviews"] == pytest.approx(2, rel=0.2)


def write_folder(folder: Path, talks: Sequence[Talk]) -> None:
    """Write talks and questions as `bench.retrieval` reads them."""
    folder.mkdir()
    interviews = [
        {"id": f"t{number}", "title": "Talk", "turns": [{"speaker": who, "text": text} for who, text in talk]}
        for number, talk in enumerate(talks)
    ]
    queries = [{"id": f"q{number}", "query": query} for number, query in enumerate(QUESTIONS)]
    for name, rows in (("interviews", interviews), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
