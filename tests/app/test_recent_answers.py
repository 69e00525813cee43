"""Answers that are kept for a moment hold nothing that was withdrawn, and nobody's rights outlive a change of them."""

import gc
from threading import Event

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.access.permissions import Role
from app.access.tables import ProjectUser, User
from app.cli.serving import work_beside
from core.tables import Project
from core.visibility import ALL_SEEING
from search.values import SearchRequest, SearchResult
from tests.pages.world import NOON, World, build_services, example_interview

SAID = "Nobody else in these tests says kerfuffle"


def in_memory() -> int:
    """Count the moments in this process's memory that hold what was said."""
    gc.collect()
    return sum(SAID in one.text for one in gc.get_objects() if type(one) is SearchResult)


def found(caller: TestClient) -> int:
    answer = caller.get("/api/v1/search", params={"q": "four mails"})
    assert answer.status_code == 200, answer.text
    return len(answer.json()["results"])


def test_what_was_withdrawn_is_in_no_kept_answer(world: World) -> None:
    sent = example_interview(segments=[{"text": SAID}])
    interview = world.services.ingest.add_interview(sent, "sample", "test", ALL_SEEING)
    world.services.search.search(SearchRequest("kerfuffle", viewer=ALL_SEEING))
    assert in_memory() == 1
    world.services.withdrawal.withdraw(interview.id, "participant_request", "test", ALL_SEEING)
    assert in_memory() == 0


def test_a_server_that_nobody_asks_forgets_what_another_process_withdrew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten, forget = Event(), world.services.search.forget_outdated

    def noted() -> None:
        forget()
        forgotten.set()

    monkeypatch.setattr(world.services.search, "forget_outdated", noted)
    sent = example_interview(segments=[{"text": SAID}])
    interview = world.services.ingest.add_interview(sent, "sample", "test", ALL_SEEING)
    world.services.search.search(SearchRequest("kerfuffle", viewer=ALL_SEEING))
    other = build_services(world.services.settings.data_dir)
    other.withdrawal.withdraw(interview.id, "participant_request", "test", ALL_SEEING)
    assert in_memory() == 1
    beside = work_beside(world.services)
    for one in beside:
        one.start()
    assert forgotten.wait(10)
    for one in beside:
        one.stop()
    assert in_memory() == 0
    other.database.close()


def test_a_membership_that_is_revoked_ends_with_the_next_question(world: World) -> None:
    database = world.services.database
    with database.write() as session:
        session.get_one(Project, "mail").is_restricted = True
        session.add(User(id="usr_ann", name="Ann", role=Role.MEMBER, created_at=NOON))
        session.flush()
        session.add(ProjectUser(project_id="mail", user_id="usr_ann"))
    _, secret = world.services.access.keys.create(NewKey("ann", ["read"], user_id="usr_ann"), actor="test")
    ann = TestClient(world.app, headers={"authorization": f"Bearer {secret}"})
    assert [found(ann), found(ann)] == [1, 1]
    with database.write() as session:
        session.delete(session.get_one(ProjectUser, ("mail", "usr_ann")))
    assert found(ann) == 0


def test_a_server_in_quiet_use_commits_nothing_when_somebody_searches(world: World) -> None:
    _, secret = world.services.access.keys.create(NewKey("reading", ["read"]), actor="test")
    program, browser = TestClient(world.app, headers={"authorization": f"Bearer {secret}"}), world.member()
    found(program)  # the first request of a key notes that it is used
    version = world.services.database.version()
    for _ in range(3):
        found(program)
        found(browser)
        assert browser.get("/", params={"q": "four mails"}).status_code == 200
        assert browser.get("/answers", params={"q": "How many mails?"}).status_code == 200
    assert world.services.database.version() == version
