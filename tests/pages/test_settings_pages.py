"""Keys, projects, teams and the state of this Earshot."""

from datetime import UTC, datetime

from app.access.keys import NewKey
from tests.pages.world import PageText, World, token_on


def test_a_key_is_shown_once_and_works(world: World) -> None:
    client = world.member()
    form = {"csrf_token": token_on(client, "/settings"), "name": "crm-sync", "scopes": "admin"}
    answer = client.post("/settings/keys", data=form)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    secret = next(word for word in PageText(answer.text).words if word.startswith("ear_") and not word.endswith("…"))
    assert world.services.access.keys.principal_of(secret).name == "crm-sync"
    assert secret not in client.get("/settings").text


def test_a_key_is_revoked_after_a_question(world: World) -> None:
    key, _ = world.services.access.keys.create(NewKey("old"), actor="cli")
    client = world.member()
    path = f"/settings/keys/{key.id}/revoke"
    assert "refused from that moment on" in PageText(client.get(path).text).text
    client.post(path, data={"csrf_token": token_on(client, path)})
    assert "Revoked" in PageText(client.get("/settings").text).text
    assert client.get("/settings/keys/key_none/revoke").status_code == 404


def test_a_key_without_a_name_is_refused_in_words(world: World) -> None:
    client = world.member()
    answer = client.post("/settings/keys", data={"csrf_token": token_on(client, "/settings"), "name": " "})
    assert answer.status_code == 422
    assert "1 to 100 characters" in answer.text


def test_a_key_gets_scopes_an_owner_a_last_day_and_no_contacts(world: World) -> None:
    client = world.member()
    form = {
        "csrf_token": token_on(client, "/settings"),
        "name": "sales-bot",
        "scopes": ["read", "contacts:read"],
        "owner": "team:sales",
        "expires": "2026-05-31",
        "hides_contacts": "true",
    }
    assert client.post("/settings/keys", data=form).status_code == 201
    key = world.services.access.keys.list()[0]
    assert (key.scopes, key.team_id, key.hides_contacts) == (("read", "contacts:read"), "sales", True)
    assert key.expires_at == datetime(2026, 5, 31, 22, tzinfo=UTC), "the end of that day in Prague"
    page = PageText(client.get("/settings").text).text
    assert "Team Sales" in page
    assert "read, contacts:read; sees no contacts" in page


def test_a_refused_key_leaves_the_form_as_it_was_filled_in(world: World) -> None:
    client = world.member()
    token = token_on(client, "/settings")
    refused: list[dict[str, str | list[str]]] = [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expires": "soon"},
        {"expires": "2026-05-11"},
    ]
    for wrong in refused:
        form = {"csrf_token": token, "name": "my script", "scopes": ["ingest"], **wrong}
        answer = client.post("/settings/keys", data=form)
        assert answer.status_code == 422
        assert 'value="my script"' in answer.text
        assert 'role="alert"' in answer.text
    assert world.services.access.keys.list() == []


def test_the_state_of_each_part_is_said_in_words(world: World) -> None:
    page = PageText(world.member().get("/settings").text)
    assert "Database: fine" in page.text
    assert "Speech model: look at this" in page.text
    assert "Europe/Prague" in page.text


def test_a_project_and_a_team_are_made_from_a_name(world: World) -> None:
    client = world.member()
    token = token_on(client, "/projects")
    client.post("/projects", data={"csrf_token": token, "name": "Příprava 2026"})
    client.post("/teams", data={"csrf_token": token, "name": "Podpora"})
    page = PageText(client.get("/projects").text)
    assert "priprava-2026" in page.text
    assert "podpora" in page.text
    answer = client.post("/projects", data={"csrf_token": token, "name": ""})
    assert (answer.status_code, "1 to 200 characters" in answer.text) == (422, True)


def test_two_names_that_read_alike_get_ids_of_their_own(world: World) -> None:
    client = world.member()
    token = token_on(client, "/projects")
    for name in ("Spring!", "Spring?", "Spring!"):
        client.post("/projects", data={"csrf_token": token, "name": name})
    links = [attrs.get("href") or "" for tag, attrs in PageText(client.get("/projects").text).elements if tag == "a"]
    ids = {link.removeprefix("/interviews?project=") for link in links if link.startswith("/interviews?project=spring")}
    assert len(ids) == 2
