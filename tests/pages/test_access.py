"""Who may see which page, and which forms are taken."""

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.pages import routers
from tests.pages.world import PageText, World, token_on

OPEN = {"/sign-in", "/choose-password", "/sign-in/single-sign-on", "/sign-in/single-sign-on/callback"}
PAGES = [
    "/",
    "/interviews",
    "/upload",
    "/contacts",
    "/contacts/rules",
    "/contacts/conflicts",
    "/contacts/files",
    "/contacts/stops",
    "/contacts/accounts",
    "/reservations",
    "/projects",
    "/settings",
    "/users",
    "/users/usr_local",
    "/me",
]
GETS = sorted({route.path for router in routers for route in router.routes if "GET" in route.methods})
POSTS = sorted({route.path for router in routers for route in router.routes if "POST" in route.methods})


@pytest.fixture(scope="module")
def visitor(shared_world: World) -> TestClient:
    return shared_world.visitor()


def of_something(path: str) -> str:
    return path.replace("{", "").replace("}", "")


@pytest.mark.parametrize("path", [path for path in GETS if path not in OPEN])
def test_a_visitor_is_sent_to_sign_in_and_back(visitor: TestClient, path: str) -> None:
    answer = visitor.get(of_something(path))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2F")


@pytest.mark.parametrize("path", POSTS)
def test_a_form_without_its_token_is_refused(member: TestClient, path: str) -> None:
    answer = member.post(of_something(path), data={"token": "x", "name": "x"})
    assert answer.status_code == 403
    assert "load the page again" in answer.text


@pytest.mark.parametrize("path", [path for path in POSTS if path not in OPEN])
def test_a_visitor_changes_nothing(visitor: TestClient, path: str) -> None:
    form = {"csrf_token": token_on(visitor, "/sign-in"), "name": "x"}
    assert visitor.post(of_something(path), data=form).headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("path", PAGES)
def test_a_member_sees_the_page_with_its_title_and_navigation(member: TestClient, path: str) -> None:
    answer = member.get(path)
    page = PageText(answer.text)
    assert answer.status_code == 200
    assert page.title.endswith("· Earshot")
    assert len(page.title) > len("· Earshot")
    assert sum(tag == "h1" for tag, _ in page.elements) == 1
    assert ("a", {"href": "/interviews"}) in [(tag, {"href": attrs.get("href")}) for tag, attrs in page.elements]
    assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", PAGES)
def test_every_field_of_a_page_has_a_label(member: TestClient, path: str) -> None:
    page = PageText(member.get(path).text)
    labelled = {attrs.get("for") for tag, attrs in page.elements if tag == "label"}
    for tag, attrs in page.elements:
        if tag in ("input", "select", "textarea") and attrs.get("type") not in ("hidden", "radio", "checkbox"):
            assert attrs.get("id") in labelled or attrs.get("aria-label"), attrs


@pytest.mark.parametrize("path", PAGES)
def test_no_id_stands_twice_on_a_page(member: TestClient, path: str) -> None:
    ids = [attrs["id"] for _, attrs in PageText(member.get(path).text).elements if attrs.get("id")]
    assert len(ids) == len(set(ids))


def test_a_one_time_link_shows_a_button_and_is_used_only_by_it(world: World) -> None:
    client = world.visitor()
    token = world.services.access.sessions.create_link()
    page = client.get(f"/sign-in?token={token}&next=/interviews")
    assert page.headers["cache-control"] == "no-store"
    assert client.get("/interviews").status_code == 303
    form = {"token": token, "next": "/interviews", "csrf_token": token_on(client, "/sign-in")}
    answer = client.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/interviews")
    assert client.get("/interviews").status_code == 200


def test_an_api_key_signs_in_too(world: World) -> None:
    client = world.visitor()
    _, secret = world.services.access.keys.create(NewKey("crm"), actor="cli")
    form = {"token": secret, "csrf_token": token_on(client, "/sign-in")}
    assert client.post("/sign-in", data=form).status_code == 303
    assert "Signed in with a key" in PageText(client.get("/me").text).text


def test_a_wrong_code_is_said_on_the_page(world: World) -> None:
    client = world.visitor()
    answer = client.post("/sign-in", data={"token": "guess", "csrf_token": token_on(client, "/sign-in")})
    assert answer.status_code == 401
    assert "unknown, used or too old" in answer.text
    assert "guess" not in answer.text


def test_signing_out_ends_the_session(world: World) -> None:
    client = world.member()
    cookie = dict(client.cookies)
    assert client.post("/sign-out", data={"csrf_token": token_on(client, "/upload")}).status_code == 303
    client.cookies.update(cookie)
    assert client.get("/").status_code == 303


def test_a_page_whose_session_has_ended_goes_to_sign_in_as_a_whole(shared_world: World) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/?q=mail"}
    answer = shared_world.visitor().get("/?q=mails", headers=headers, follow_redirects=True)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/sign-in?next=%2F%3Fq%3Dmail")


def test_a_sign_in_never_sends_people_to_another_site(world: World) -> None:
    client = world.visitor()
    form = {
        "token": world.services.access.sessions.create_link(),
        "next": "//evil.example/",
        "csrf_token": token_on(client, "/sign-in?next=//evil.example/"),
    }
    assert client.post("/sign-in", data=form).headers["location"] == "/"


def test_static_files_are_kept_as_long_as_their_hash_says(member: TestClient) -> None:
    html = member.get("/").text
    address = next(line.split('"')[3] for line in html.splitlines() if "tokens.css" in line)
    assert "immutable" in member.get(address).headers["cache-control"]
    assert member.get("/static/css/tokens.css").headers["cache-control"] == "no-cache"
    assert member.get("/").headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("path", ["/nothing-here", "/interviews/int_none", "/contacts/con_none"])
def test_what_is_not_there_has_a_page_that_says_so(member: TestClient, path: str) -> None:
    answer = member.get(path)
    page = PageText(answer.text)
    assert answer.status_code == 404
    assert "There is nothing here" in page.text
    assert answer.headers["content-type"].startswith("text/html")


def test_an_address_that_makes_no_sense_has_a_page_that_says_so(member: TestClient) -> None:
    answer = member.get("/?limit=many")
    assert answer.status_code == 422
    assert "not as expected" in PageText(answer.text).text
