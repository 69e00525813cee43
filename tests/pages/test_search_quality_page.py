"""Administrators keep questions with the moments they should find, and run them."""

import json

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from typer.testing import CliRunner

from app import search_quality
from app.cli import cli
from app.cli import search_quality as command
from core.errors import InvalidInput, NotFound
from core.tables import Interview
from core.visibility import ALL_SEEING, EVERYBODY
from search.values import PassagePlace
from tests.pages.world import PageText, World, token_on

PATH = "/search-quality"


def expect(world: World, query: str = "four mails", first: int = 1, last: int = 1) -> str:
    place = PassagePlace(world.interview.id, first, last)
    return search_quality.expect(world.services, "test", ALL_SEEING, query, place)


def post(client: TestClient, path: str, **form: object) -> int:
    return client.post(path, data={"csrf_token": token_on(client, PATH), **form}).status_code


def test_at_first_the_page_says_that_nothing_is_kept(member: TestClient) -> None:
    assert "No question is kept yet" in PageText(member.get(PATH).text).text


def test_a_result_becomes_what_was_looked_for_and_a_run_is_kept(world: World) -> None:
    client = world.member()
    page = client.get(f"{PATH}?q=four+mails").text
    assert "This is what I looked for" in page
    chosen = {"q": "four mails", "interview": world.interview.id, "first_segment": 1, "last_segment": 1}
    assert post(client, f"{PATH}/expected", **chosen) == 303
    assert post(client, f"{PATH}/run") == 303
    text = PageText(client.get(PATH).text).text
    assert "What the bakery thinks of e-mail , segments 1 to 1" in text
    assert "fake-words" in text
    assert "recall 1.00" in text


def test_runs_are_compared_with_the_one_before(world: World) -> None:
    expect(world)
    first = search_quality.run(world.services, "test", ALL_SEEING)
    expect(world, "zebra", 3, 3)
    second = search_quality.run(world.services, "test", ALL_SEEING)
    assert [one.id for one in search_quality.list_runs(world.services)] == [second.id, first.id]
    assert (first.questions, second.questions) == (1, 2)
    assert 0 < first.quality.ndcg <= 1
    change = second.quality.ndcg - first.quality.ndcg
    assert f"{change:+.3f}" in world.member().get(PATH).text
    question = search_quality.list_questions(world.services)[0]
    assert question.latest == question.before == first.quality


def test_the_same_moment_is_expected_once(world: World) -> None:
    assert expect(world) == expect(world, "  four   mails ")
    (question,) = search_quality.list_questions(world.services)
    assert len(question.moments) == 1


def test_what_cannot_be_expected_is_refused_and_said_on_the_page(world: World) -> None:
    with pytest.raises(InvalidInput, match="no segments 2 to 9"):
        expect(world, first=2, last=9)
    with pytest.raises(InvalidInput):
        expect(world, " ")
    with pytest.raises(NotFound):
        search_quality.expect(world.services, "test", EVERYBODY, "mails", PassagePlace("int_none", 0, 0))
    client = world.member()
    assert post(client, f"{PATH}/expected", q="mails", interview="int_none") == 404
    assert post(client, f"{PATH}/run") == 422


def test_a_question_whose_moments_cannot_be_found_any_more_is_not_asked(world: World) -> None:
    expect(world)
    with world.services.database.write() as session:
        session.get_one(Interview, world.interview.id).is_quotable = False
    with pytest.raises(InvalidInput, match="No question has a moment"):
        search_quality.run(world.services, "test", ALL_SEEING)


def test_questions_and_moments_are_removed_and_runs_stay(world: World) -> None:
    question_id = expect(world)
    search_quality.run(world.services, "test", ALL_SEEING)
    client = world.member()
    (moment,) = search_quality.list_questions(world.services)[0].moments
    assert post(client, f"{PATH}/expected/{moment.id}/delete") == 303
    assert "None of its moments is left" in PageText(client.get(PATH).text).text
    assert post(client, f"{PATH}/questions/{question_id}/delete") == 303
    assert search_quality.list_questions(world.services) == []
    assert len(search_quality.list_runs(world.services)) == 1


def test_a_deleted_interview_takes_its_moments_with_it(world: World) -> None:
    expect(world)
    world.services.ingest.delete(world.interview.id, "test", ALL_SEEING)
    with world.services.database.read() as session:
        assert session.exec(select(search_quality.ExpectedMoment)).all() == []


def test_the_command_prints_the_run_for_machines(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expect(world)
    monkeypatch.setattr(command, "open_services", lambda: world.services)
    done = CliRunner().invoke(cli, ["search-quality", "run", "--json"])
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert (printed["questions"], printed["model"], printed["recall@10"], printed["mrr@10"]) == (
        1,
        "fake-words",
        1.0,
        1.0,
    )
    assert printed["per_question"][0]["query"] == "four mails"
