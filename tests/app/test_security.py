"""What protects every route alike: headers, hosts, sizes, rates, and what the server never fetches or writes down."""

import ast
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request

from app.access.keys import NewKey
from app.access.users import NewUser
from app.api.interviews import attachment
from app.api.limits import MAX_JSON_BYTES
from app.cli.serving import _announce as announce
from app.main import create_app
from app.pages.signing_in import client_of as client_address
from app.security import STRICT_TRANSPORT
from core.settings import Settings
from ingest.incoming import clean_file_name
from tests.app.conftest import api_of
from tests.app.route_table import ROUTES
from tests.pages.world import NOON, World

FACT = (
    '{"email": "a@shop.example", "team": "research", "channel": "email", "purpose": "interview", '
    '"status": "completed", %s}'
)
QUESTION = '{"email": "a@shop.example", "team": "research", "channel": "email", "purpose": "interview", %s}'
ROOT = Path(__file__).parents[2]
PRODUCT = ("app", "contact_registry", "core", "ingest", "search")


def client_of(world: World, base_url: str = "http://testserver", **settings: object) -> TestClient:
    """Return a browser of this workspace with other settings."""
    changed = world.services.settings.model_copy(update=settings)
    app = create_app(replace(world.services, settings=changed))
    return TestClient(app, base_url, raise_server_exceptions=False, follow_redirects=False)


@pytest.mark.parametrize("path", ["/healthz", "/sign-in", "/", "/static/css/base.css", "/nowhere", "/api/v1/teams"])
def test_every_answer_forbids_foreign_script_framing_and_guessing(world: World, path: str) -> None:
    headers = client_of(world).get(path).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")


def test_browsers_are_held_to_tls_only_where_there_is_tls(world: World) -> None:
    plain = client_of(world).get("/healthz").headers
    assert "strict-transport-security" not in plain
    direct = client_of(world, "https://testserver").get("/healthz").headers
    assert direct["strict-transport-security"] == STRICT_TRANSPORT


def test_behind_a_proxy_the_base_url_says_that_there_is_tls(world: World) -> None:
    settings = world.services.settings.model_copy(update={"base_url": "https://earshot.example"})
    app = create_app(replace(world.services, settings=settings))
    assert TestClient(app).get("/healthz").headers["strict-transport-security"] == STRICT_TRANSPORT


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("earshot.example", 401),
        ("EARSHOT.example:443", 401),
        ("localhost:8000", 401),
        ("127.0.0.1", 401),
        ("[::1]:8000", 401),
        ("evil.example", 400),
        ("earshot.example.evil.example", 400),
        ("earshot.example@evil.example", 400),
        ("[", 400),
    ],
)
def test_only_the_host_of_the_base_url_is_served(world: World, host: str, status: int) -> None:
    settings = world.services.settings.model_copy(update={"base_url": "https://earshot.example"})
    client = TestClient(create_app(replace(world.services, settings=settings)))
    assert client.get("/api/v1/teams", headers={"host": host}).status_code == status
    assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_security_txt_names_whom_to_tell_and_does_not_expire_unread(world: World) -> None:
    assert client_of(world).get("/.well-known/security.txt").status_code == 404
    answer = client_of(world, security_contact="mailto:security@bakery.example").get("/.well-known/security.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:security@bakery.example"
    assert 30 < (datetime.fromisoformat(fields["Expires"]) - NOON).days < 365


@pytest.mark.parametrize("contact", ["security@bakery.example", "http://bakery.example", "mailto:a\nContact: b"])
def test_a_security_contact_is_an_address_of_one_line(contact: str) -> None:
    with pytest.raises(ValidationError, match="EARSHOT_SECURITY_CONTACT"):
        Settings(security_contact=contact)


def test_no_cache_keeps_an_answer_of_the_api(world: World) -> None:
    api = api_of(world)
    for path in ("search?q=mails", "contacts", f"interviews/{world.interview.id}", "nothing"):
        assert api.get(f"/api/v1/{path}").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("route", [one for one in ROUTES if not one.startswith(("GET", "HEAD", "OPTIONS"))])
def test_no_route_takes_a_body_of_any_size(shared_world: World, route: str) -> None:
    method, path = route.split(" ", 1)
    most = shared_world.services.settings.max_upload_bytes + 2**21
    headers = {"content-length": str(max(most, MAX_JSON_BYTES) + 1), "content-type": "application/json"}
    answer = client_of(shared_world).request(method, path.replace("{", "").replace("}", ""), headers=headers)
    assert answer.status_code == 413


def test_a_body_that_hides_its_size_is_cut_off(world: World) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(MAX_JSON_BYTES // 2**20 + 2):
            yield b" " * 2**20

    answer = api_of(world).post("/api/v1/contacts", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_a_key_that_asks_too_often_is_told_when_to_come_back(world: World) -> None:
    client = client_of(world, requests_per_minute=3)
    keys = [world.services.access.keys.create(NewKey(name), "test")[1] for name in ("busy", "quiet")]
    busy, quiet = ({"authorization": f"Bearer {secret}"} for secret in keys)
    statuses = [client.get("/api/v1/teams", headers=busy).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = client.get("/api/v1/teams", headers=busy)
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert client.get("/api/v1/teams", headers=quiet).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("PUT", "projects/new", r'{"name": "New", "restricted": true, "users": ["\ud800"]}'),
        ("PUT", "projects/new", r'{"name": "New", "restricted": true, "teams": ["\ud800"]}'),
        ("POST", "keys", r'{"name": "new", "team": "\ud800"}'),
        ("POST", "users", r'{"name": "New", "email": "new@shop.example", "teams": ["\ud800"]}'),
        ("PUT", "policy-sets/draft", r'{"policies": [{"id": "a", "name": "\ud800", "kind": "min_gap", "gap": "P1D"}]}'),
        ("GET", f"policy-sets/{10**30}", ""),
        ("POST", "touchpoints", FACT % f'"at": "2026-04-01T10:00:00Z", "duration_ms": {10**30}'),
        ("POST", "touchpoints", FACT % '"at": "0001-01-01T00:00:00Z"'),
        ("POST", "touchpoints", FACT % '"date": "0001-01-01"'),
        ("POST", "eligibility/check", QUESTION % '"at": "9999-12-31T23:59:59Z"'),
    ],
)
def test_what_no_database_takes_is_refused_as_wrong(world: World, method: str, path: str, content: str) -> None:
    headers = {"content-type": "application/json"}
    assert api_of(world).request(method, f"/api/v1/{path}", content=content, headers=headers).status_code == 422


@pytest.mark.parametrize("field", ["tags", "participants"])
def test_a_list_in_lists_without_end_is_refused_as_wrong(world: World, field: str) -> None:
    file = {"file": ("a.txt", b"Ann: Hello.\n")}
    answer = api_of(world).post("/api/v1/recordings", files=file, data={field: "[" * 100_000})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("testclient", "testclient"),
    ],
)
def test_sign_ins_are_counted_by_address_and_of_ipv6_by_network(host: str, counted: str) -> None:
    assert client_address(Request({"type": "http", "client": (host, 1)})) == counted


def test_a_link_to_sign_in_is_printed_only_until_somebody_has_a_password(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    access = world.services.access
    announce(world.services, "127.0.0.1", 8000)
    assert "/sign-in?token=" in capsys.readouterr().err
    _, token = access.users.invite(NewUser("Eva", "eva@shop.example"), "test")
    access.passwords.choose(token, "correct horse battery staple")
    announce(world.services, "127.0.0.1", 8000)
    assert "token=" not in capsys.readouterr().err


def test_no_limit_is_no_limit(world: World) -> None:
    client = client_of(world, requests_per_minute=0)
    _, secret = world.services.access.keys.create(NewKey("busy"), "test")
    answers = [client.get("/api/v1/teams", headers={"authorization": f"Bearer {secret}"}) for _ in range(50)]
    assert {answer.status_code for answer in answers} == {200}


# Who may reach out: single sign-on asks the configured issuer, answers the configured language model.
REACHING_OUT = {"app/access/openid_provider.py", "app/chat_completions_writer.py"}
# What answers tell, and no request holds: paths of our own, where a job stands.
TOLD = {("JobTaken", "status_url"), ("JobOut", "status_url"), ("JobOut", "result_url"), ("JobOut", "result_csv_url")}
NETWORK = {"httpx", "httpx2", "requests", "urllib3", "aiohttp", "http", "ftplib", "smtplib", "telnetlib", "websockets"}


def test_the_server_fetches_no_address_that_a_caller_names() -> None:
    found = set()
    for path in (path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            if any(name.split(".")[0] in NETWORK or name == "urllib.request" for name in names):
                found.add(str(path.relative_to(ROOT)))
    assert found == REACHING_OUT


def test_no_field_of_the_api_is_an_address_to_fetch(world: World) -> None:
    schemas = create_app(world.services).openapi()["components"]["schemas"]
    named = {(model, name) for model, schema in schemas.items() for name in schema.get("properties", {})}
    assert {one for one in named if re.search(r"ur[il]|webhook|callback|href|link_to", one[1])} <= TOLD


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/", "recording"),
        ("a\x00b\r\nSet-Cookie: x.wav", "ab Set-Cookie: x.wav"),
        ("x" * 400 + ".wav", "x" * 251 + ".wav"),
    ],
)
def test_a_file_s_name_is_a_name_and_no_path(name: str, kept: str) -> None:
    assert clean_file_name(name) == kept


def test_a_download_s_name_cannot_end_its_header() -> None:
    header = attachment('a"; filename=x.html\r\nSet-Cookie: y')["content-disposition"]
    assert header == "attachment; filename*=UTF-8''a%22%3B%20filename%3Dx.html%0D%0ASet-Cookie%3A%20y"


def test_an_error_of_the_database_names_no_values(world: World) -> None:
    statement = text("INSERT INTO team (id, name, created_at) VALUES ('sales', :name, 0)")
    with world.services.database.read() as session, pytest.raises(IntegrityError) as caught:
        session.execute(statement, {"name": "jana@bakery.example"})
    assert "jana@bakery.example" not in str(caught.value)


def test_a_bug_is_told_and_logged_without_what_was_sent(world: World, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(world.services)

    @app.get("/api/v1/broken")
    def broken(q: str) -> None:
        raise RuntimeError(f"a part broke, {len(q)} characters in")

    with caplog.at_level(logging.DEBUG, "earshot"):
        answer = TestClient(app, raise_server_exceptions=False).get("/api/v1/broken?q=Quokka")
    assert answer.status_code == 500
    assert "Quokka" not in answer.text + caplog.text
    assert answer.json()["detail"].rsplit(" ", 1)[1].rstrip(".") in caplog.text


def test_the_server_writes_no_access_log_with_queries() -> None:
    serving = (ROOT / "app/cli/serving.py").read_text("utf-8")
    assert "access_log=False" in serving
