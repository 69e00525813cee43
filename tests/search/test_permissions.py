"""A search finds what it would find if nothing were there but what the asking person may see, to the last digit."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.tables import Interview, Project
from core.visibility import ALL_SEEING, EVERYBODY, Viewer
from search.faiss_index import FaissIndexes
from search.fakes import FakeVectorIndexes
from search.ports import VectorIndexes
from search.values import Mode, SearchAnswer, SearchRequest
from tests.search.factories import Workshop
from tests.search.secret_worlds import MODES, SecretWorld, answer


def check_worlds(folder: Path, indexes: VectorIndexes, seeds: range, viewers: int, questions: int) -> int:
    """Ask in random worlds that change between the questions; return how many answers had results."""
    telling = 0
    for seed in seeds:
        world = SecretWorld(folder / str(seed), seed, indexes)
        for _ in range(viewers):
            viewer = world.viewer()
            bare = world.without_secrets(viewer)
            for _ in range(questions):
                request = world.request(viewer)
                found = answer(world.workshop, request)
                assert found == answer(bare, replace(request, viewer=ALL_SEEING)), (seed, request)
                telling += isinstance(found, SearchAnswer) and bool(found.results)
            for other in (world.similar(viewer), world.beginning(viewer), world.beginning(viewer)):
                assert answer(world.workshop, other) == answer(bare, replace(other, viewer=ALL_SEEING)), (seed, other)
            bare.database.close()
            world.change()
        world.close()
    return telling


@pytest.mark.parametrize("indexes", [FakeVectorIndexes(), FaissIndexes()], ids=["fake", "faiss"])
def test_an_answer_is_that_of_the_corpus_without_the_secrets(tmp_path: Path, indexes: VectorIndexes) -> None:
    assert check_worlds(tmp_path, indexes, range(6), viewers=3, questions=4) > 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("indexes", "seeds"), [(FakeVectorIndexes(), range(100, 140)), (FaissIndexes(), range(200, 240))]
)
def test_a_thousand_answers_are_those_of_the_corpus_without_the_secrets(
    tmp_path: Path, indexes: VectorIndexes, seeds: range
) -> None:
    assert check_worlds(tmp_path, indexes, seeds, viewers=5, questions=5) > 400


def restrict(workshop: Workshop, project: str, *, is_restricted: bool = True) -> None:
    with workshop.database.write() as session:
        session.get_one(Project, project).is_restricted = is_restricted


def found_by(workshop: Workshop, viewer: Viewer, query: str = "invoice", mode: Mode = "hybrid") -> list[str]:
    return [r.interview.id for r in workshop.service.search(SearchRequest(query, mode, 10, viewer=viewer)).results]


@pytest.mark.parametrize("mode", MODES)
def test_ten_of_eleven_hidden_still_gives_ten(workshop: Workshop, mode: Mode) -> None:
    workshop.put_project("secret")
    restrict(workshop, "secret")
    for _ in range(10):
        secret = workshop.add_each(*["invoice invoice invoice"] * 10, project_id="secret")
        open_one = workshop.add("a long text in which an invoice comes up once among many others")
        assert open_one not in secret
    results = found_by(workshop, EVERYBODY, mode=mode)
    assert len(results) == 10
    assert len(found_by(workshop, Viewer(projects=frozenset({"secret"})), mode=mode)) == 10
    assert not set(results) & set(found_by(workshop, ALL_SEEING, mode=mode))


def test_a_project_restricted_a_moment_ago_hides_at_once_and_opens_again(workshop: Workshop) -> None:
    workshop.put_project("pilot")
    pilot = workshop.add("the invoice was wrong", project_id="pilot")
    other = workshop.add("another invoice")
    assert set(found_by(workshop, EVERYBODY)) == {pilot, other}
    restrict(workshop, "pilot")
    assert found_by(workshop, EVERYBODY) == [other]
    assert set(found_by(workshop, Viewer(projects=frozenset({"pilot"})))) == {pilot, other}
    restrict(workshop, "pilot", is_restricted=False)
    assert set(found_by(workshop, EVERYBODY)) == {pilot, other}


def refuse_quotes(interview: Interview) -> None:
    interview.is_quotable = False


def withdraw(interview: Interview) -> None:
    interview.withdrawn_at = interview.created_at


@pytest.mark.parametrize("objection", [refuse_quotes, withdraw])
@pytest.mark.parametrize("mode", MODES)
def test_who_objects_is_found_by_nobody(workshop: Workshop, mode: Mode, objection: Callable[[Interview], None]) -> None:
    objecting, other = workshop.add_each("the invoice was wrong", "another invoice")
    with workshop.database.write() as session:
        objection(session.get_one(Interview, objecting))
    for viewer in (EVERYBODY, ALL_SEEING, Viewer(reads_unquotable=True)):
        assert found_by(workshop, viewer, mode=mode) == [other]


def test_a_word_that_only_a_restricted_project_knows_finds_it_for_its_members(workshop: Workshop) -> None:
    workshop.put_project("secret")
    restrict(workshop, "secret")
    workshop.add_each("the invoice was wrong", "we went sailing", "lunch is at noon")
    workshop.add_each("a boat trip", "dinner at eight", project_id="secret")
    zeppelin = workshop.add("the zeppelin flies", project_id="secret")
    for mode in MODES:
        assert found_by(workshop, Viewer(projects=frozenset({"secret"})), "zeppelin", mode)[0] == zeppelin


def test_where_nothing_is_open_to_all_members_still_find_the_best_moment_first(workshop: Workshop) -> None:
    workshop.put_project("secret")
    restrict(workshop, "secret")
    texts = ("the invoice was wrong", "we went sailing", "lunch is at noon", "an invoice for a boat")
    first, *_ = workshop.add_each(*texts, project_id="secret")
    for mode in MODES:
        assert found_by(workshop, Viewer(projects=frozenset({"secret"})), "wrong invoice", mode)[0] == first
        assert found_by(workshop, EVERYBODY, "wrong invoice", mode) == []


def test_a_member_gets_the_scores_that_what_is_open_to_all_gives(workshop: Workshop) -> None:
    """What restricted projects talk about a lot is not less telling for it: nobody's scores depend on it."""
    workshop.put_project("secret")
    restrict(workshop, "secret")
    workshop.add_each("the invoice was wrong", "we went sailing", "an invoice for a boat", "lunch is at noon")
    member = Viewer(projects=frozenset({"secret"}))

    def scores() -> dict[str, float]:
        results = workshop.service.search(SearchRequest("wrong invoice", limit=50, viewer=member)).results
        return {result.interview.id: result.score for result in results if result.interview.project is None}

    before = scores()
    workshop.add_each("wrong wrong wrong", "the invoice the invoice", project_id="secret")
    assert scores() == pytest.approx(before, abs=1e-6)
