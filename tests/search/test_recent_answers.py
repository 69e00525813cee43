"""What was answered a moment ago is given again, until anything was committed; then it is gone, whoever committed."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event
from sqlmodel import select

from core.database import Database
from core.errors import AppError, InvalidInput
from core.tables import Interview, Project, Team
from core.visibility import ALL_SEEING, EVERYBODY, Viewer
from search.fakes import FakeEmbedder, FakeVectorIndexes
from search.recent_answers import RecentAnswers
from search.values import SearchAnswer, SearchFilters, SearchRequest, Vectors
from tests.search.factories import NOON, Workshop
from tests.search.secret_worlds import SecretWorld

TEXTS = ("The invoice was wrong again.", "Exporting the report is slow.", "We like the new dashboard a lot.")


@pytest.fixture
def recent(workshop: Workshop) -> RecentAnswers:
    return RecentAnswers(workshop.database, most_entries=5, most_bytes=10_000)


def commit(workshop: Workshop) -> None:
    workshop.put_team(f"team-{random.random()}")


def counting() -> tuple[list[int], Callable[[], int]]:
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        return made[-1]

    return made, make


class Statements:
    """Counts what this process asks the database."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        event.listen(database.engine, "before_cursor_execute", self._note)

    def _note(self, *_: Any) -> None:
        self.count += 1


def queries_to(embedder: FakeEmbedder) -> list[Sequence[str]]:
    """Return the list of what is asked of the model from now on."""
    asked: list[Sequence[str]] = []
    embed = embedder.embed_queries

    def noted(texts: Sequence[str]) -> Vectors:
        asked.append(texts)
        return embed(texts)

    embedder.embed_queries = noted  # type: ignore[method-assign]
    return asked


# --- the cache by itself


def test_the_same_is_made_once_until_something_is_committed(workshop: Workshop, recent: RecentAnswers) -> None:
    made, make = counting()
    assert [recent.of("a", make) for _ in range(3)] == [0, 0, 0]
    assert recent.of("b", make) == 1
    commit(workshop)
    assert [recent.of("a", make), recent.of("a", make)] == [2, 2]
    assert len(made) == 3


def test_everything_older_goes_when_a_newer_version_is_seen(workshop: Workshop, recent: RecentAnswers) -> None:
    recent.of("a", lambda: "a", lambda _: 400)
    recent.of("b", lambda: "b", lambda _: 400)
    commit(workshop)
    recent.of("c", lambda: "c", lambda _: 300)
    assert recent.size_bytes == 300


def test_what_was_made_while_somebody_committed_is_not_kept(workshop: Workshop, recent: RecentAnswers) -> None:
    def make_slowly() -> str:
        commit(workshop)
        return "old"

    assert recent.of("a", make_slowly) == "old"
    assert recent.size_bytes == 0
    assert recent.of("a", lambda: "new") == "new"


def test_forgetting_drops_everything_and_what_is_under_way_is_not_kept_after_a_commit(
    workshop: Workshop, recent: RecentAnswers
) -> None:
    def make_while_it_is_withdrawn() -> str:
        commit(workshop)
        recent.forget()
        return "withdrawn"

    recent.of("a", lambda: "a")
    recent.of("b", make_while_it_is_withdrawn)
    assert recent.size_bytes == 0


def test_nothing_is_kept_where_the_database_has_no_version() -> None:
    recent = RecentAnswers(Database("sqlite://"))
    _, make = counting()
    assert [recent.of("a", make), recent.of("a", make)] == [0, 1]
    assert recent.size_bytes == 0


def test_what_raises_is_asked_again(recent: RecentAnswers) -> None:
    def refuse() -> str:
        raise InvalidInput("empty_query", "No.")

    for _ in range(2):
        with pytest.raises(InvalidInput):
            recent.of("a", refuse)
    assert recent.of("a", lambda: "a") == "a"


def test_the_least_recently_used_goes_first(recent: RecentAnswers) -> None:
    for name in "abcde":
        recent.of(name, partial(str, name))
    recent.of("a", lambda: "again")
    recent.of("f", lambda: "f")
    assert recent.of("a", lambda: "again") == "a"
    assert recent.of("b", lambda: "again") == "again"


def test_it_never_holds_more_bytes_than_allowed(recent: RecentAnswers) -> None:
    for number in range(200):
        size_bytes = 1 + 700 * number % 12_000
        recent.of(number % 37, partial(int, size_bytes), int)
        assert 0 <= recent.size_bytes <= 10_000
    recent.forget()
    recent.of("whole", lambda: "x", lambda _: 10_001)
    assert recent.size_bytes == 0


def test_an_answers_weight_grows_with_its_texts(workshop: Workshop) -> None:
    sizes = []
    for words in (20, 300):
        folder = workshop.folder / str(words)
        long = Workshop(folder)
        long.add(" ".join(["invoice"] * words))
        recent = RecentAnswers(long.database)
        recent.answer(SearchRequest("invoice"), long.service.search)
        sizes.append(recent.size_bytes)
        long.database.close()
    assert sizes[1] - sizes[0] >= 280 * len("invoice ")


def test_beside_writers_nobody_gets_what_is_older_than_a_commit_before_their_question(workshop: Workshop) -> None:
    recent, committed, stale = RecentAnswers(workshop.database), [0], []
    ended = threading.Event()

    def count() -> int:
        with workshop.database.read() as session:
            return len(session.exec(select(Team.id)).all())

    def ask() -> None:
        while not ended.is_set():
            least = committed[0]
            counted = recent.of("teams", count)
            if counted < least:
                stale.append((counted, least))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(60):
        workshop.put_team(f"team-{number}")
        committed[0] = number + 1
    ended.set()
    for thread in threads:
        thread.join()
    assert stale == []
    assert recent.of("teams", count) == 60


# --- which interviews somebody may find


def visible(workshop: Workshop, recent: RecentAnswers, viewer: Viewer) -> list[str]:
    version = workshop.database.version()
    with workshop.database.read() as session:
        return sorted(recent.visible_interviews(session, viewer, version))


def test_who_may_find_what_is_asked_once_for_each_viewer(workshop: Workshop, recent: RecentAnswers) -> None:
    workshop.put_project("vault")
    open_to_all, in_vault = workshop.add(TEXTS[0]), workshop.add(TEXTS[1], project_id="vault")
    with workshop.database.write() as session:
        session.get_one(Project, "vault").is_restricted = True
    inside = Viewer(projects=frozenset({"vault"}))
    for viewer, expected in ((EVERYBODY, [open_to_all]), (inside, sorted((open_to_all, in_vault)))):
        assert visible(workshop, recent, viewer) == expected
        statements = Statements(workshop.database)
        assert visible(workshop, recent, viewer) == expected
        assert statements.count <= 2  # BEGIN, and that the database is still the same
    workshop.delete(open_to_all)
    assert visible(workshop, recent, inside) == [in_vault]


def test_a_transaction_that_began_later_than_a_commit_sees_it(workshop: Workshop, recent: RecentAnswers) -> None:
    interview = workshop.add(TEXTS[0])
    assert visible(workshop, recent, EVERYBODY) == [interview]
    version = workshop.database.version()
    workshop.delete(interview)  # after the version was asked for, before the transaction begins
    with workshop.database.read() as session:
        assert recent.visible_interviews(session, EVERYBODY, version) == {}


def test_a_transaction_that_began_before_a_commit_goes_on_seeing_what_it_saw(
    workshop: Workshop, recent: RecentAnswers
) -> None:
    interview = workshop.add(TEXTS[0])
    version = workshop.database.version()
    with workshop.database.read() as session:
        assert session.exec(select(Interview.id)).all() == [interview]
        workshop.delete(interview)
        assert visible(workshop, recent, EVERYBODY) == []
        assert recent.visible_interviews(session, EVERYBODY, version) == {interview: True}
    assert visible(workshop, recent, EVERYBODY) == []


# --- searching


def test_a_repeated_search_asks_neither_the_database_nor_the_model(workshop: Workshop) -> None:
    workshop.add_each(*TEXTS)
    request = SearchRequest("invoice", with_facets=True, is_grouped=True)
    first = workshop.service.search(request)
    asked = queries_to(workshop.embedder("fake-words"))
    statements = Statements(workshop.database)
    again = workshop.service.search(SearchRequest("invoice", with_facets=True, is_grouped=True))
    assert (statements.count, asked) == (0, [])
    assert first.results
    assert replace(again, took_ms=0) == replace(first, took_ms=0)
    assert again.took_ms < first.took_ms


OTHERWISE: dict[str, Any] = {
    "query": "other",
    "mode": "keyword",
    "limit": 3,
    "filters": SearchFilters(tag="churn"),
    "viewer": Viewer(sees_all=True, projects=frozenset({"b"})),
    "zone": ZoneInfo("Asia/Tokyo"),
    "is_grouped": True,
    "with_facets": True,
    "with_sentences": True,
}
OTHER_FILTERS: dict[str, Any] = {
    "project": "a",
    "team": "a",
    "speaker": "Ann",
    "tag": "pilot",
    "from_at": NOON,
    "to_at": NOON,
    "language": "de",
    "kind": "recording",
    "voices": frozenset({("int_1", "Ann")}),
}
OTHER_VIEWERS: dict[str, Any] = {
    "sees_all": True,
    "projects": frozenset({"a"}),
    "reads_unquotable": True,
    "only_source": "crm",
}


def test_whatever_is_asked_or_allowed_otherwise_is_another_question() -> None:
    plain = SearchRequest("question")
    requests = [plain, *(replace(plain, **{name: value}) for name, value in OTHERWISE.items())]
    requests += [replace(plain, filters=SearchFilters(**{name: value})) for name, value in OTHER_FILTERS.items()]
    requests += [replace(plain, viewer=Viewer(**{name: value})) for name, value in OTHER_VIEWERS.items()]
    assert len(set(requests)) == len(requests)
    for kind, tried in ((SearchRequest, OTHERWISE), (SearchFilters, OTHER_FILTERS), (Viewer, OTHER_VIEWERS)):
        assert {field.name for field in fields(kind)} == set(tried), "a new field: is it part of the key?"
        assert all(field.compare and field.hash is not False for field in fields(kind))


class Pair:
    """A search that keeps its answers, beside one over the same database that keeps none."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.world = SecretWorld(folder, seed, FakeVectorIndexes())
        self.keeping = self.world.workshop
        self.plain = self.keeping.restart(indexes=FakeVectorIndexes())
        self.plain.database.version = lambda: None  # type: ignore[method-assign]

    def ask(self, request: SearchRequest) -> tuple[Any, Any]:
        return told(self.keeping, request), told(self.plain, request)

    def close(self) -> None:
        self.plain.database.close()
        self.world.close()


@pytest.fixture(params=range(6))
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    made = Pair(tmp_path, 1000 + request.param)
    yield made
    made.close()


def told(workshop: Workshop, request: SearchRequest) -> SearchAnswer | tuple[str, str]:
    try:
        return replace(workshop.service.search(request), took_ms=0)
    except AppError as error:
        return error.code, error.message


def test_answers_are_those_of_a_search_that_keeps_none_whatever_is_written_between(pair: Pair) -> None:
    world, pick = pair.world, pair.world.random
    viewers = [EVERYBODY, ALL_SEEING, *(world.viewer() for _ in range(2))]
    asked = [replace(world.request(EVERYBODY), with_sentences=pick.random() < 0.2) for _ in range(4)]
    requests = [replace(question, viewer=viewer) for question in asked for viewer in viewers]
    found = 0
    for _ in range(12):
        for request in pick.sample(requests, 7) * 2:
            kept, plain = pair.ask(request)
            assert kept == plain, request
            found += len(kept.results) if isinstance(kept, SearchAnswer) else 0
        if pick.random() < 0.7:
            world.change()
    assert found
