"""What another process or a restored backup changes is in the next answer, however often the question was asked."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest

from search import stance
from search.recent_answers import RecentAnswers
from search.values import SearchRequest
from tests.search.factories import NOON, Workshop
from tests.search.test_recent_answers import TEXTS, Statements, queries_to, told

ANOTHER_PROCESS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
connection.execute(sys.argv[2])
"""
RESTRICT = "UPDATE project SET is_restricted = 1"
WITHDRAW = "UPDATE interview SET withdrawn_at = 1"
DELETE = "DELETE FROM interview"


@pytest.mark.parametrize("statement", [RESTRICT, WITHDRAW, DELETE])
def test_what_another_process_hides_is_hidden_at_the_next_question(workshop: Workshop, statement: str) -> None:
    workshop.put_project("vault")
    workshop.add(TEXTS[0], project_id="vault")
    request = SearchRequest("invoice")
    for _ in range(2):
        assert len(workshop.service.search(request).results) == 1
    file = str(workshop.folder / "earshot.db")
    subprocess.run([sys.executable, "-c", ANOTHER_PROCESS, file, statement], check=True)
    assert workshop.service.search(request).results == ()


@pytest.mark.parametrize("statement", [RESTRICT, WITHDRAW, DELETE])
def test_what_another_process_hides_is_forgotten_where_nobody_asks_again(workshop: Workshop, statement: str) -> None:
    workshop.put_project("vault")
    workshop.add(TEXTS[0], project_id="vault")
    recent = RecentAnswers(workshop.database)
    recent.answer(SearchRequest("invoice"), workshop.service.search)
    kept = recent.size_bytes
    recent.forget_outdated()
    assert recent.size_bytes == kept > 0
    file = str(workshop.folder / "earshot.db")
    subprocess.run([sys.executable, "-c", ANOTHER_PROCESS, file, statement], check=True)
    recent.forget_outdated()
    assert recent.size_bytes == 0


def test_sentences_that_were_compared_are_forgotten_too(workshop: Workshop) -> None:
    for forget in (workshop.service.catch_up, workshop.service.forget_outdated):
        stance.stance_between("The invoice was wrong.", "The invoice was not wrong.")
        assert stance._read.cache_info().currsize > 0
        forget()
        assert stance._read.cache_info().currsize == 0


def test_what_another_process_adds_is_found_at_the_next_question(workshop: Workshop) -> None:
    request = SearchRequest("invoice", "keyword")
    assert workshop.service.search(request).results == ()
    other = workshop.restart()
    other.add(TEXTS[0], recorded_at=NOON - timedelta(days=1))
    assert len(workshop.service.search(request).results) == 1
    other.database.close()


def test_another_model_answers_anew(workshop: Workshop) -> None:
    workshop.add_each(*TEXTS)
    request = SearchRequest("invoice report", "semantic")
    workshop.service.search(request)
    other = workshop.restart(model="other-words")
    other.service.reembed(lambda _: None)
    asked = queries_to(workshop.embedder("other-words"))
    assert told(workshop, request) == told(other, request)
    assert asked
    other.database.close()


def test_after_catching_up_nothing_of_before_is_kept(workshop: Workshop) -> None:
    workshop.add(TEXTS[0])
    workshop.service.search(SearchRequest("invoice"))
    statements = Statements(workshop.database)
    workshop.service.catch_up()
    caught_up = statements.count
    workshop.service.search(SearchRequest("invoice"))
    assert statements.count > caught_up


def test_a_database_that_was_put_back_is_not_answered_from_memory(workshop: Workshop) -> None:
    workshop.add(TEXTS[0])
    empty = workshop.folder / "empty.db"
    with closing(sqlite3.connect(workshop.folder / "earshot.db")) as source, closing(sqlite3.connect(empty)) as copy:
        source.backup(copy)
        copy.execute("DELETE FROM interview")
        copy.commit()
    assert workshop.service.search(SearchRequest("invoice")).results
    workshop.database.close()
    empty.replace(workshop.folder / "earshot.db")
    assert workshop.service.search(SearchRequest("invoice")).results == ()
