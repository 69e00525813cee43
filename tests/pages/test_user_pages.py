"""Inviting people, coming in with a password, one's own page, and what administrators change."""

import re

import pytest
from fastapi.testclient import TestClient

from app.access.permissions import Role
from app.access.users import NewUser, UserChange
from app.main import create_app
from core.settings import Settings
from tests.pages.world import PageText, World, token_on

PASSWORD = "correct horse battery staple"
OTHER = "a lamp under seven bridges"
ADDRESS = "eva@fernhill.example"


def invite(world: World, email: str = ADDRESS, role: str = Role.MEMBER) -> tuple[str, str]:
    user, token = world.services.access.users.invite(NewUser("Eva Dvořáková", email, role), "usr_local")
    return user.id, token


def joined(world: World, email: str = ADDRESS, role: str = Role.MEMBER) -> str:
    """Add somebody with a password and return their id."""
    user_id, token = invite(world, email, role)
    world.services.access.passwords.choose(token, PASSWORD)
    return user_id


def browser_of(world: World, email: str = ADDRESS, password: str = PASSWORD) -> TestClient:
    client = world.visitor()
    form = {"email": email, "password": password, "csrf_token": token_on(client, "/sign-in")}
    assert client.post("/sign-in", data=form).status_code == 303
    return client


def text_of(client: TestClient, path: str) -> str:
    return PageText(client.get(path).text).text


def shown_link(html: str) -> str:
    match = re.search(r'<code class="secret" id="new-link">([^<]+)</code>', html)
    assert match is not None
    return match[1]


def test_from_an_invitation_to_the_first_search(world: World) -> None:
    administrator = world.member()
    form = {"csrf_token": token_on(administrator, "/users"), "name": "Eva", "email": ADDRESS, "role": "member"}
    answer = administrator.post("/users", data={**form, "teams": ["research"]})
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    link = shown_link(answer.text)
    assert link.startswith("http://testserver/choose-password?token=")
    assert "Invited" in text_of(administrator, "/users")
    assert link not in administrator.get("/users").text

    visitor = world.visitor()
    page = visitor.get(link)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "Welcome to Earshot, Eva" in PageText(page.text).text
    form = {"csrf_token": token_on(visitor, link), "token": link.split("token=")[1], "password": PASSWORD}
    assert visitor.post("/choose-password", data=form).headers["location"] == "/"
    assert visitor.get("/?q=mails").status_code == 200
    assert "Member of this workspace · research" in text_of(visitor, "/me")
    assert "Active" in text_of(administrator, "/users")
    assert visitor.get("/users").status_code == 403
    assert "/settings" not in visitor.get("/").text


def test_a_used_link_says_what_to_do(world: World) -> None:
    _, token = invite(world)
    world.services.access.passwords.choose(token, PASSWORD)
    answer = world.visitor().get(f"/choose-password?token={token}")
    assert answer.status_code == 401
    assert "ask an administrator" in answer.text


def test_a_weak_password_is_refused_in_words_and_the_link_stays(world: World) -> None:
    _, token = invite(world)
    client = world.visitor()
    form = {"csrf_token": token_on(client, f"/choose-password?token={token}"), "token": token}
    answer = client.post("/choose-password", data={**form, "password": "earshotearshotearshot"})
    assert (answer.status_code, "easy to guess" in answer.text) == (422, True)
    assert "earshotearshot" not in answer.text
    assert client.post("/choose-password", data={**form, "password": PASSWORD}).status_code == 303


def test_a_sign_in_begins_a_new_session_and_ends_the_browsers_old_one(world: World) -> None:
    joined(world)
    client = browser_of(world)
    before = client.cookies["earshot_session"]
    form = {"email": ADDRESS, "password": PASSWORD, "next": "/interviews", "csrf_token": token_on(client, "/me")}
    assert client.post("/sign-in", data=form).headers["location"] == "/interviews"
    assert client.cookies["earshot_session"] != before
    client.cookies.set("earshot_session", before, domain="testserver.local")
    stale = world.visitor()
    stale.cookies.set("earshot_session", before)
    assert stale.get("/me").status_code == 303


def test_a_wrong_password_is_said_without_saying_who_is_here(world: World) -> None:
    joined(world)
    client = world.visitor()
    token = token_on(client, "/sign-in")
    pages = set()
    for email in (ADDRESS, "nobody@fernhill.example"):
        answer = client.post("/sign-in", data={"email": email, "password": "wrong", "csrf_token": token})
        assert answer.status_code == 401
        pages.add(answer.text.replace(email, ""))
    assert len(pages) == 1


def test_too_many_tries_get_a_page_that_says_when(world: World) -> None:
    client = world.visitor()
    form = {"email": ADDRESS, "password": "wrong", "csrf_token": token_on(client, "/sign-in")}
    answers = [client.post("/sign-in", data=form) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 800 <= int(answers[-1].headers["retry-after"]) <= 900
    assert "try again in 15 minutes" in answers[-1].text


@pytest.fixture
def behind_tls(world: World) -> TestClient:
    """A browser that reaches Earshot through a proxy which ends TLS and speaks http to it."""
    settings = Settings(data_dir=world.services.settings.data_dir, base_url="https://earshot.example")
    object.__setattr__(world.services, "settings", settings)
    return TestClient(create_app(world.services), base_url="https://earshot.example", follow_redirects=False)


def test_cookies_are_bound_to_https_and_to_this_host(world: World, behind_tls: TestClient) -> None:
    joined(world)
    page = behind_tls.get("/sign-in")
    cookie = page.headers["set-cookie"]
    assert cookie.startswith("__Host-earshot_form=")
    form = {"email": ADDRESS, "password": PASSWORD, "csrf_token": token_on(behind_tls, "/sign-in")}
    answer = behind_tls.post("/sign-in", data=form)
    session = next(one for one in answer.headers.get_list("set-cookie") if "earshot_session=" in one)
    assert session.startswith("__Host-earshot_session=")
    for attribute in ("HttpOnly", "SameSite=lax", "Secure", "Path=/", "Max-Age=1209600"):
        assert attribute in session
    assert "Domain" not in session
    assert behind_tls.get("/me").status_code == 200


def test_a_cookie_without_the_host_prefix_counts_for_nothing_under_https(world: World, behind_tls: TestClient) -> None:
    joined(world)
    secret = world.services.access.passwords.sign_in(ADDRESS, PASSWORD, "192.0.2.1")
    behind_tls.cookies.set("earshot_session", secret)
    assert behind_tls.get("/me").status_code == 303
    behind_tls.cookies.set("__Host-earshot_session", secret)
    assert behind_tls.get("/me").status_code == 200


def test_a_new_password_signs_out_every_other_browser_and_not_this_one(world: World) -> None:
    joined(world)
    here, elsewhere = browser_of(world), browser_of(world)
    before = here.cookies["earshot_session"]
    form = {"csrf_token": token_on(here, "/me"), "old_password": PASSWORD, "password": OTHER}
    answer = here.post("/me/password", data=form)
    assert answer.status_code == 303
    assert "The password is set" in text_of(here, answer.headers["location"])
    assert here.cookies["earshot_session"] != before
    assert here.get("/me").status_code == 200
    assert elsewhere.get("/me").status_code == 303


def test_a_wrong_present_password_changes_nothing(world: World) -> None:
    joined(world)
    client = browser_of(world)
    form = {"csrf_token": token_on(client, "/me"), "old_password": OTHER, "password": OTHER}
    answer = client.post("/me/password", data=form)
    assert (answer.status_code, "not your present password" in answer.text) == (422, True)
    assert browser_of(world).get("/me").status_code == 200


def test_people_see_where_they_are_signed_in_and_end_it(world: World) -> None:
    user_id = joined(world)
    world.services.access.sessions.end_all(user_id, user_id)
    here, elsewhere = browser_of(world), world.visitor()
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    form = {"email": ADDRESS, "password": PASSWORD, "csrf_token": token_on(elsewhere, "/sign-in")}
    elsewhere.post("/sign-in", data=form, headers={"user-agent": agent})
    page = text_of(here, "/me")
    assert "Firefox on Linux" in page
    assert "(this one)" in page
    session_id = re.search(r"/me/sessions/(ses_\w+)/end", here.get("/me").text)
    assert session_id is not None
    token = token_on(here, "/me")
    here.post(session_id[0], data={"csrf_token": token})
    assert elsewhere.get("/me").status_code == 303
    third = browser_of(world)
    here.post("/me/sessions/end-others", data={"csrf_token": token})
    assert (third.get("/me").status_code, here.get("/me").status_code) == (303, 200)


def test_nobody_ends_another_persons_session(world: World) -> None:
    user_id = joined(world)
    session = world.services.access.sessions.list(user_id, "")[0]
    administrator = world.member()
    token = token_on(administrator, "/me")
    assert administrator.post(f"/me/sessions/{session.id}/end", data={"csrf_token": token}).status_code == 404


def test_people_change_their_name_and_their_address(world: World) -> None:
    joined(world)
    client = browser_of(world)
    token = token_on(client, "/me")
    form = {"csrf_token": token, "name": "Eva D.", "email": "eva.d@fernhill.example"}
    answer = client.post("/me/profile", data={**form, "password": "wrong"})
    assert (answer.status_code, "Eva Dvořáková" in answer.text) == (422, True)
    assert client.post("/me/profile", data={**form, "password": PASSWORD}).status_code == 303
    assert "Eva D." in text_of(client, "/")
    assert browser_of(world, "eva.d@fernhill.example").get("/me").status_code == 200


def test_a_person_makes_a_key_that_can_do_no_more_than_they_can(world: World) -> None:
    user_id = joined(world)
    client = browser_of(world)
    form = {"csrf_token": token_on(client, "/me"), "name": "evas-script"}
    assert client.post("/me/keys", data={**form, "scopes": ["admin"]}).status_code == 403
    answer = client.post("/me/keys", data={**form, "scopes": ["read"], "owner": "user:usr_local"})
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    key = world.services.access.keys.list(user_id)[0]
    assert (key.name, key.scopes, key.user_id) == ("evas-script", ("read",), user_id)
    assert 'value="admin"' not in answer.text
    path = f"/me/keys/{key.id}/revoke"
    assert client.post(path, data={"csrf_token": token_on(client, path)}).status_code == 303
    assert world.services.access.keys.list(user_id)[0].revoked_at is not None


def test_an_administrator_changes_what_somebody_may_do(world: World) -> None:
    user_id = joined(world)
    administrator, client = world.member(), browser_of(world)
    path = f"/users/{user_id}"
    form = {"csrf_token": token_on(administrator, path), "name": "Eva", "role": "viewer", "teams": ["sales"]}
    assert administrator.post(path, data={**form, "has_privacy": "true"}).status_code == 303
    user = world.services.access.users.get(user_id)
    assert (user.role, user.has_privacy, user.teams) == ("viewer", True, ("sales",))
    assert client.get("/upload").status_code == 403


def test_a_disabled_person_is_sent_to_sign_in_and_refused_there(world: World) -> None:
    user_id = joined(world)
    administrator, client = world.member(), browser_of(world)
    path = f"/users/{user_id}/disable"
    assert "signed out everywhere at once" in text_of(administrator, path)
    token = token_on(administrator, path)
    administrator.post(path, data={"csrf_token": token})
    assert client.get("/me").status_code == 303
    form = {"email": ADDRESS, "password": PASSWORD, "csrf_token": token_on(client, "/sign-in")}
    assert client.post("/sign-in", data=form).status_code == 401
    assert "Disabled" in text_of(administrator, "/users")
    administrator.post(f"/users/{user_id}/enable", data={"csrf_token": token})
    assert browser_of(world).get("/me").status_code == 200


def test_the_last_administrator_is_kept_in_words(world: World) -> None:
    administrator = world.member()
    path = "/users/usr_local/disable"
    answer = administrator.post(path, data={"csrf_token": token_on(administrator, path)})
    assert (answer.status_code, "last administrator" in answer.text) == (409, True)


def test_a_reset_link_is_shown_once_and_lets_choose_another_password(world: World) -> None:
    user_id = joined(world)
    administrator = world.member()
    path = f"/users/{user_id}"
    answer = administrator.post(f"{path}/link", data={"csrf_token": token_on(administrator, path)})
    link = shown_link(answer.text)
    visitor = world.visitor()
    form = {"csrf_token": token_on(visitor, link), "token": link.split("token=")[1], "password": OTHER}
    assert visitor.post("/choose-password", data=form).status_code == 303
    assert browser_of(world, ADDRESS, OTHER).get("/me").status_code == 200
    world.services.access.users.change(user_id, UserChange(is_disabled=True), "usr_local")
    answer = administrator.post(f"{path}/link", data={"csrf_token": token_on(administrator, path)})
    assert answer.status_code == 409


def test_a_refused_invitation_leaves_the_form_as_it_was_filled_in(world: World) -> None:
    joined(world)
    administrator = world.member()
    form = {"csrf_token": token_on(administrator, "/users"), "name": "Eva again", "email": ADDRESS, "role": "viewer"}
    answer = administrator.post("/users", data=form)
    assert answer.status_code == 409
    assert 'value="Eva again"' in answer.text
    assert '<option value="viewer" selected>' in answer.text


def test_until_somebody_has_a_password_the_code_is_asked_for_first(world: World) -> None:
    assert "<details open>" in world.visitor().get("/sign-in").text
    joined(world)
    assert "<details>" in world.visitor().get("/sign-in").text
