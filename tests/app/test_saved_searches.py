"""Searches that are kept, and what is new among their results since their owner last looked."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.access.permissions import Role
from app.access.tables import User
from app.main import create_app
from core.tables import Interview, Project
from core.visibility import ALL_SEEING
from tests.pages.world import NOON, PageText, World, example_interview, token_on

PATH = "/api/v1/saved-searches"


def caller(world: World, name: str = "asking", **fields: Any) -> TestClient:
    _, secret = world.services.access.keys.create(NewKey(name, ["read"], **fields), actor="test")
    return TestClient(create_app(world.services), headers={"authorization": f"Bearer {secret}"})


def save(api: TestClient, **search: Any) -> Any:
    answer = api.post(PATH, json={"search": {"q": "mails", **search}})
    assert answer.status_code == 201, answer.text
    return answer.json()


def new_of(api: TestClient, saved_id: str) -> Any:
    found = api.get(f"{PATH}/{saved_id}").json()["new"]
    return None if found is None else [interview["title"] for interview in found]


def add(world: World, title: str, **fields: Any) -> str:
    return world.services.ingest.add_interview(example_interview(title, **fields), "sample", "test", ALL_SEEING).id


def test_what_was_found_when_it_was_saved_is_not_new_and_what_came_later_is(world: World) -> None:
    api = caller(world)
    saved = save(api)
    assert saved["name"] == "mails"
    assert new_of(api, saved["id"]) == []
    add(world, "Another bakery")
    assert new_of(api, saved["id"]) == ["Another bakery"]
    assert [one["id"] for one in api.get(PATH).json()["items"]] == [saved["id"]]


def test_looking_makes_it_old(world: World) -> None:
    api = caller(world)
    saved_id = save(api)["id"]
    add(world, "Another bakery")
    looked = api.post(f"{PATH}/{saved_id}/look").json()
    assert [interview["title"] for interview in looked["new"]] == ["Another bakery"]
    assert new_of(api, saved_id) == []


def test_what_the_search_does_not_find_is_not_new(world: World) -> None:
    api = caller(world)
    saved_id = save(api, mode="keyword", tag="churn")["id"]
    add(world, "Not tagged")
    add(world, "Says nothing of it", tags=["churn"], segments=[{"text": "Hello there."}])
    add(world, "The one", tags=["churn"])
    assert new_of(api, saved_id) == ["The one"]


def test_an_interview_is_new_when_it_becomes_findable_and_not_when_it_comes_in(idle_world: World) -> None:
    api = caller(idle_world)
    saved_id = save(api)["id"]
    add(idle_world, "Still waiting")
    assert new_of(api, saved_id) == []


def test_making_the_index_anew_makes_nothing_new(world: World) -> None:
    add(world, "Old one")
    api = caller(world)
    saved_id = save(api, mode="keyword", q="quarter -mails")["id"]
    clock = world.services.clock
    clock.advance(60_000)  # type: ignore[attr-defined]
    api.post(f"{PATH}/{saved_id}/look")
    world.services.search.rebuild(lambda share: None)
    assert new_of(api, saved_id) == []


def test_what_the_owner_may_not_see_is_neither_named_nor_counted(world: World) -> None:
    with world.services.database.write() as session:
        session.add(Project(id="vault", name="Vault", is_restricted=True, created_at=NOON))
    api = caller(world)
    saved_id = save(api)["id"]
    add(world, "Secret talk", project="vault")
    unquotable = add(world, "Not to be quoted")
    with world.services.database.write() as session:
        session.get_one(Interview, unquotable).is_quotable = False
    assert new_of(api, saved_id) == []


def test_a_search_belongs_to_a_person_also_through_their_keys_and_to_nobody_else(world: World) -> None:
    with world.services.database.write() as session:
        session.add(User(id="usr_ann", name="Ann", role=Role.MEMBER, created_at=NOON))
    hers, also_hers, other = (
        caller(world, "one", user_id="usr_ann"),
        caller(world, "two", user_id="usr_ann"),
        caller(world, "three"),
    )
    saved_id = save(hers)["id"]
    assert also_hers.get(f"{PATH}/{saved_id}").status_code == 200
    assert other.get(PATH).json() == {"items": []}
    for answer in (
        other.get(f"{PATH}/{saved_id}"),
        other.post(f"{PATH}/{saved_id}/look"),
        other.delete(f"{PATH}/{saved_id}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_saved_search")
    assert also_hers.delete(f"{PATH}/{saved_id}").status_code == 204
    assert hers.get(PATH).json() == {"items": []}


def test_a_search_that_cannot_be_answered_any_more_says_why_and_spoils_no_list(world: World) -> None:
    api = caller(world)
    saved_id = save(api, project="mail")["id"]
    with world.services.database.write() as session:
        session.get_one(Project, "mail").is_restricted = True
    add(world, "Another one", project=None)
    (one,) = api.get(PATH).json()["items"]
    assert (one["id"], one["new"]) == (saved_id, None)
    assert "mail" in one["problem"]


@pytest.mark.parametrize("search", [{"q": " "}, {"project": "nowhere"}, {"limit": 99}, {"unknown": "x"}])
def test_what_cannot_be_searched_is_not_saved(world: World, search: dict[str, Any]) -> None:
    api = caller(world)
    assert api.post(PATH, json={"search": {"q": "mails", **search}}).status_code == 422
    assert api.get(PATH).json() == {"items": []}


def test_the_same_idempotency_key_saves_once(world: World) -> None:
    api = caller(world)
    body, headers = {"search": {"q": "mails"}}, {"Idempotency-Key": "k1"}
    first, second = (api.post(PATH, json=body, headers=headers) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert len(api.get(PATH).json()["items"]) == 1


def test_a_hundred_are_kept_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.saved_searches.MOST_KEPT", 1)
    api = caller(world)
    save(api)
    assert api.post(PATH, json={"search": {"q": "mails"}}).json()["code"] == "too_many_saved_searches"


def test_on_the_pages_a_search_is_saved_opened_and_deleted_without_script(world: World) -> None:
    client = world.member()
    asked = "/?q=mails&tag=e-mail"
    links = [str(attrs.get("href")) for tag, attrs in PageText(client.get(asked).text).elements if tag == "a"]
    form = next(link for link in links if link.startswith("/saved-searches/new"))
    assert "tag e-mail" in PageText(client.get(form).text).text
    token = token_on(client, form)
    sent = {"asked": form.split("?", 1)[1], "name": "About mails", "csrf_token": token}
    assert client.post("/saved-searches", data=sent).headers["location"] == "/"
    add(world, "A fresh one")
    page = PageText(client.get("/").text)
    assert "About mails (1 new)" in page.text
    assert "New: A fresh one" in page.text
    actions = [
        str(attrs["action"]) for tag, attrs in page.elements if tag == "form" and "saved-" in str(attrs["action"])
    ]
    opened = client.post(actions[0], data={"csrf_token": token})
    assert opened.headers["location"] == asked
    assert "new)" not in PageText(client.get("/").text).text
    client.post(actions[1], data={"csrf_token": token})
    assert "About mails" not in client.get("/").text


def test_a_search_that_cannot_be_saved_says_so_on_the_page(world: World) -> None:
    client = world.member()
    token = token_on(client, "/saved-searches/new?q=mails")
    answer = client.post("/saved-searches", data={"asked": "q=mails&project=nowhere", "csrf_token": token})
    assert answer.status_code == 422
    assert "The search was not saved" in answer.text
    assert "There is nothing to save yet" in client.get("/saved-searches/new").text
