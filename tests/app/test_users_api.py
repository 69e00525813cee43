"""People through the API: me, my sessions, everybody, teams; and the same from the command line."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.access.keys import NewKey
from app.cli import cli
from core.errors import Unauthorized
from tests.pages.world import World, token_on

PASSWORD = "correct horse battery staple"
ADDRESS = "eva@fernhill.example"


def invited(api: TestClient, **fields: object) -> dict[str, object]:
    answer = api.post("/api/v1/users", json={"name": "Eva", "email": ADDRESS, **fields})
    assert answer.status_code == 201
    return answer.json()  # type: ignore[no-any-return]


def test_an_invitation_by_the_api_leads_to_a_session(api: TestClient, world: World) -> None:
    user = invited(api, role="viewer", teams=["sales"])
    link = user["link"]
    assert isinstance(link, dict)
    assert world.visitor().get(link["path"]).status_code == 200
    secret = world.services.access.passwords.choose(link["token"], PASSWORD)
    client = world.visitor()
    client.cookies.set("earshot_session", secret)
    me = client.get("/api/v1/me").json()
    assert (me["id"], me["role"], me["teams"]) == (user["id"], "viewer", ["sales"])
    assert me["permissions"] == ["contacts:read", "read"]
    assert me["user"]["email"] == ADDRESS
    assert client.get("/api/v1/users").status_code == 403


def test_a_key_of_the_workspace_is_nobody(api: TestClient) -> None:
    me = api.get("/api/v1/me").json()
    assert (me["name"], me["role"], me["user"]) == ("crm", None, None)
    assert api.get("/api/v1/me/sessions").json() == {"items": []}


def test_what_somebody_may_do_is_changed_one_field_at_a_time(api: TestClient) -> None:
    path = f"/api/v1/users/{invited(api)['id']}"
    assert api.patch(path, json={"role": "viewer"}).json()["role"] == "viewer"
    assert api.patch(path, json={"has_privacy": True}).json()["has_privacy"] is True
    changed = api.patch(path, json={"teams": ["sales"], "is_disabled": True}).json()
    assert (changed["role"], changed["has_privacy"], changed["teams"]) == ("viewer", True, ["sales"])
    assert changed["disabled_at"] is not None
    assert api.get(path).json() == changed
    assert api.get("/api/v1/users").json()["items"][-1] == changed


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"role": "owner"}, "invalid_role"),
        ({"name": ""}, "invalid_user_name"),
        ({"teams": ["nobody"]}, "unknown_team"),
        ({"email": "new@fernhill.example"}, "invalid_input"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(api: TestClient, body: dict[str, object], code: str) -> None:
    answer = api.patch(f"/api/v1/users/{invited(api)['id']}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_nobody_and_no_team_are_404(api: TestClient) -> None:
    user_id = invited(api)["id"]
    for path in ("/api/v1/users/usr_none", "/api/v1/teams/none/members", f"/api/v1/teams/sales/members/{user_id}"):
        assert api.get(path).status_code == 404
    assert api.post("/api/v1/users/usr_none/reset-link").status_code == 404
    assert api.put(f"/api/v1/teams/none/members/{user_id}").status_code == 404


def test_the_last_administrator_and_a_taken_address_are_conflicts(api: TestClient) -> None:
    invited(api)
    answer = api.patch("/api/v1/users/usr_local", json={"role": "member"})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")
    answer = api.post("/api/v1/users", json={"name": "Eva", "email": ADDRESS})
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    assert ADDRESS not in answer.text


def test_a_team_has_members(api: TestClient) -> None:
    user_id = invited(api)["id"]
    path = f"/api/v1/teams/sales/members/{user_id}"
    assert api.put(path).json()["teams"] == ["sales"]
    assert api.get(path).json()["id"] == user_id
    assert [user["id"] for user in api.get("/api/v1/teams/sales/members").json()["items"]] == [user_id]
    assert api.delete(path).status_code == 204
    assert api.get("/api/v1/teams/sales/members").json()["items"] == []


def test_sessions_are_seen_and_ended_by_their_owner(world: World) -> None:
    here, elsewhere, third = (world.member() for _ in range(3))
    headers = {"X-CSRF-Token": token_on(here, "/me")}
    sessions = here.get("/api/v1/me/sessions").json()["items"]
    assert [session["is_this"] for session in sessions].count(True) == 1
    this_of_elsewhere = next(s["id"] for s in elsewhere.get("/api/v1/me/sessions").json()["items"] if s["is_this"])
    assert here.delete(f"/api/v1/me/sessions/{this_of_elsewhere}", headers=headers).status_code == 204
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert here.delete(f"/api/v1/me/sessions/{this_of_elsewhere}", headers=headers).status_code == 404
    assert here.delete("/api/v1/me/sessions", headers=headers).status_code == 204
    assert third.get("/api/v1/me").status_code == 401
    assert here.get("/api/v1/me").status_code == 200


def test_signing_out_everywhere_ends_also_what_began_with_a_key_of_theirs(world: World) -> None:
    access = world.services.access
    _, secret = access.keys.create(NewKey("mine", ("admin",), user_id="usr_local"), actor="test")
    by_key = access.sessions.sign_in(secret)
    (shown,) = access.sessions.list("usr_local", "")
    assert not shown.is_this
    access.sessions.end_all("usr_local", "usr_local")
    with pytest.raises(Unauthorized):
        access.sessions.principal_of(by_key)
    assert access.keys.principal_of(secret).user_id == "usr_local", "the key itself is still theirs"


def test_a_persons_key_stands_for_them_with_less(api: TestClient, world: World) -> None:
    user = invited(api)
    assert isinstance(user["id"], str)
    _, secret = world.services.access.keys.create(NewKey("script", ("read",), user_id=user["id"]), actor="test")
    api.headers["authorization"] = f"Bearer {secret}"
    me = api.get("/api/v1/me").json()
    assert (me["name"], me["permissions"], me["user"]["id"]) == ("script", ["read"], user["id"])
    assert api.get("/api/v1/users").status_code == 403


def run(folder: Path, *words: str) -> str:
    answer = CliRunner().invoke(cli, ["user", *words], env={"EARSHOT_DATA_DIR": str(folder)})
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_people_are_managed_from_the_terminal(tmp_path: Path) -> None:
    link = run(tmp_path, "invite", ADDRESS, "--name", "Eva", "--role", "administrator").strip()
    assert urlsplit(link).path == "/choose-password"
    assert run(tmp_path, "disable", ADDRESS) == ""
    people = json.loads(run(tmp_path, "list", "--json"))
    assert [(user["email"], user["role"], user["state"]) for user in people] == [
        (None, "administrator", "active"),
        (ADDRESS, "administrator", "disabled"),
    ]
    run(tmp_path, "enable", ADDRESS)
    again = run(tmp_path, "reset", ADDRESS).strip()
    assert again != link
    assert f"administrator\tinvited\t{ADDRESS}\tEva" in run(tmp_path, "list")
