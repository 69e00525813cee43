"""Programs keep the questions with the moments they should find, and measure the search, as the page does."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import search_quality
from app.access.keys import NewKey
from core.audit import EventFilter
from core.tables import Interview
from core.visibility import ALL_SEEING
from tests.pages.world import World

PATH = "/api/v1/search-quality"


@pytest.fixture
def api(world: World) -> TestClient:
    return caller(world, "admin")


def caller(world: World, scope: str) -> TestClient:
    _, secret = world.services.access.keys.create(NewKey(f"key-{scope}", [scope]), actor="test")
    return TestClient(world.app, headers={"authorization": f"Bearer {secret}"})


def question(world: World, query: str = "four mails", *segments: int) -> dict[str, Any]:
    moments = [{"interview": world.interview.id, "first_segment": one, "last_segment": one} for one in segments or (1,)]
    return {"query": query, "moments": moments}


def add(api: TestClient, world: World, query: str = "four mails", *segments: int) -> Any:
    answer = api.post(f"{PATH}/questions", json=question(world, query, *segments))
    assert answer.status_code == 201, answer.text
    return answer.json()


def actions(world: World) -> list[str]:
    events, _ = world.services.audit.page(EventFilter())
    return [one.action for one in reversed(events) if one.subject_type in ("quality_question", "search_quality")]


def test_a_question_is_added_and_listed_with_its_moments(world: World, api: TestClient) -> None:
    added = add(api, world, "  four   mails ", 1, 3)
    assert added["query"] == "four mails"
    assert [(one["interview"], one["first_segment"]) for one in added["moments"]] == [
        (world.interview.id, 1),
        (world.interview.id, 3),
    ]
    assert added["latest"] is added["before"] is None
    assert api.get(f"{PATH}/questions").json()["items"] == [added]


def test_the_same_question_gets_further_moments_and_none_twice(world: World, api: TestClient) -> None:
    first, second = add(api, world, "mails", 1), add(api, world, "mails", 1, 3)
    assert first["id"] == second["id"]
    assert [one["first_segment"] for one in second["moments"]] == [1, 3]


def test_a_run_has_the_figures_of_every_question_and_their_mean(world: World, api: TestClient) -> None:
    easy, hard = add(api, world, "four mails in one week", 1), add(api, world, "zebra", 0)
    answer = api.post(f"{PATH}/runs")
    assert answer.status_code == 201, answer.text
    run = answer.json()
    assert (run["questions"], run["model"]) == (2, "fake-words")
    assert [(one["question"], one["query"]) for one in run["per_question"]] == [
        (easy["id"], easy["query"]),
        (hard["id"], hard["query"]),
    ]
    for name in ("recall", "ndcg", "mrr"):
        of_each = [one["figures"][name] for one in run["per_question"]]
        assert run["figures"][name] == pytest.approx(sum(of_each) / 2)
        assert 0 < of_each[0] <= 1
    assert run["per_question"][0]["figures"]["mrr"] == 1.0
    assert api.get(f"{PATH}/runs/{run['id']}").json() == run
    (listed,) = api.get(f"{PATH}/runs").json()["items"]
    assert listed == {name: value for name, value in run.items() if name != "per_question"}
    latest = [one["latest"] for one in api.get(f"{PATH}/questions").json()["items"]]
    assert latest == [one["figures"] for one in run["per_question"]]


def test_the_page_shows_what_programs_did_and_the_other_way_round(world: World, api: TestClient) -> None:
    add(api, world)
    search_quality.run(world.services, "test", ALL_SEEING)
    assert api.get(f"{PATH}/runs").json()["items"][0]["figures"]["recall"] == 1.0
    assert "four mails" in world.member().get("/search-quality").text


def test_a_request_that_is_sent_again_with_its_key_does_nothing_twice(world: World, api: TestClient) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = (api.post(f"{PATH}/questions", json=question(world), headers=key) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = api.post(f"{PATH}/questions", json=question(world, "other"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    runs = [api.post(f"{PATH}/runs", headers={"Idempotency-Key": "run"}).json() for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(api.get(f"{PATH}/runs").json()["items"]) == 1
    assert actions(world) == ["quality_question.moment_added", "search_quality.run"]


def test_what_is_deleted_is_gone_and_runs_keep_its_figures(world: World, api: TestClient) -> None:
    added = add(api, world, "four mails", 1, 3)
    run = api.post(f"{PATH}/runs").json()
    assert api.delete(f"{PATH}/moments/{added['moments'][0]['id']}").status_code == 204
    (left,) = api.get(f"{PATH}/questions").json()["items"]
    assert [one["first_segment"] for one in left["moments"]] == [3]
    assert api.delete(f"{PATH}/questions/{added['id']}").status_code == 204
    assert api.get(f"{PATH}/questions").json() == {"items": []}
    kept = api.get(f"{PATH}/runs/{run['id']}").json()["per_question"]
    assert kept == [{**run["per_question"][0], "query": None}]
    assert actions(world) == [
        *["quality_question.moment_added"] * 2,
        "search_quality.run",
        "quality_question.moment_removed",
        "quality_question.deleted",
    ]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"query": "  "}, 422, "empty_query"),
        ({"query": ""}, 422, "invalid_input"),
        ({"query": "?!"}, 422, "empty_query"),
        ({"query": "speaker:ann"}, 422, "empty_query"),
        ({"query": "mails before:soon"}, 422, "unknown_date"),
        ({"moments": []}, 422, "invalid_input"),
        ({"moments": [{"interview": "int_none", "first_segment": 0, "last_segment": 0}]}, 404, "unknown_interview"),
        ({"segments": 1}, 422, "invalid_input"),
    ],
)
def test_what_cannot_be_expected_is_refused(
    world: World, api: TestClient, change: dict[str, Any], status: int, code: str
) -> None:
    answer = api.post(f"{PATH}/questions", json={**question(world), **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_of_a_question_with_one_wrong_moment_nothing_is_kept(world: World, api: TestClient) -> None:
    answer = api.post(f"{PATH}/questions", json=question(world, "mails", 1, 99))
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_segments")
    assert api.get(f"{PATH}/questions").json() == {"items": []}
    assert actions(world) == []


def test_what_is_not_there_is_not_found(api: TestClient) -> None:
    for path, code in (("questions/qst_none", "unknown_question"), ("moments/exm_none", "unknown_moment")):
        answer = api.delete(f"{PATH}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    answer = api.get(f"{PATH}/runs/run_none")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_run")


def test_without_a_question_that_can_be_asked_there_is_no_run(world: World, api: TestClient) -> None:
    assert api.post(f"{PATH}/runs").json()["code"] == "no_questions"
    add(api, world)
    with world.services.database.write() as session:
        session.get_one(Interview, world.interview.id).is_quotable = False
    assert api.post(f"{PATH}/runs").json()["code"] == "no_questions"


def test_a_question_that_search_refuses_by_now_finds_nothing(world: World, api: TestClient) -> None:
    add(api, world, "mails in four weeks", 1)
    refused = add(api, world, "four mails", 1)
    with world.services.database.write() as session:
        session.get_one(search_quality.QualityQuestion, refused["id"]).query = "four mails project:gone"
    answer = api.post(f"{PATH}/runs")
    assert answer.status_code == 201, answer.text
    first, second = (one["figures"] for one in answer.json()["per_question"])
    assert first["recall"] > 0
    assert second == {"recall": 0.0, "ndcg": 0.0, "mrr": 0.0}


def test_a_run_from_before_ranks_were_kept_has_none(world: World, api: TestClient) -> None:
    add(api, world)
    run = search_quality.run(world.services, "test", ALL_SEEING)
    with world.services.database.write() as session:
        row = session.get_one(search_quality.QualityRun, run.id)
        row.scores = {one: figures[:2] for one, figures in row.scores.items()}
    figures = api.get(f"{PATH}/runs/{run.id}").json()["figures"]
    assert figures == {"recall": run.quality.recall, "ndcg": run.quality.ndcg, "mrr": None}
    assert world.member().get("/search-quality").status_code == 200


@pytest.mark.parametrize("scope", ["read", "ingest", "contacts:write"])
def test_only_administrators_may(world: World, scope: str) -> None:
    other = caller(world, scope)
    assert other.get(f"{PATH}/questions").status_code == 403
    assert other.post(f"{PATH}/runs").status_code == 403
