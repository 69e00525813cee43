"""Single sign-on against a real OpenID provider on loopback, and against one that answers wrongly."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import OctKey, RSAKey
from pydantic import ValidationError
from sqlmodel import select

from app.access.openid_provider import OpenIdProvider
from app.access.service import AccessService
from app.access.single_sign_on import Handshake
from app.access.users import NewUser, UserChange, UserView
from app.main import create_app
from app.wiring import provider_of
from core.audit import AuditEvent
from core.clock import SettableClock
from core.errors import Unauthorized
from core.settings import Settings
from tests.app.openid_provider_on_loopback import LoopbackProvider
from tests.pages.world import QUICK_HASHES, PageText, World, token_on

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # inside the provider of the tests

BEGIN, CALLBACK = "/sign-in/single-sign-on", "/sign-in/single-sign-on/callback"
EVA = {"name": "Eva Dvořáková", "email": "eva@fernhill.example", "email_verified": True}


@pytest.fixture(scope="module")
def running_provider() -> Iterator[LoopbackProvider]:
    provider = LoopbackProvider()
    with provider.running():
        yield provider


@pytest.fixture
def provider(running_provider: LoopbackProvider) -> LoopbackProvider:
    running_provider.behave()
    for subject in ("eva-1", "mallory"):
        running_provider.know(subject)
    return running_provider


@pytest.fixture
def office(world: World, provider: LoopbackProvider) -> World:
    """The world with single sign-on, at the provider's time of day."""
    assert isinstance(world.services.clock, SettableClock)
    world.services.clock.set(datetime.now(UTC))
    settings = Settings(
        data_dir=world.services.settings.data_dir,
        base_url="http://testserver",
        oidc_issuer=provider.address,
        oidc_client_id="earshot",
        oidc_client_secret="a secret between two servers",
    )
    database, clock = world.services.database, world.services.clock
    access = AccessService(database, clock, QUICK_HASHES, provider_of(settings))
    return replace(world, services=replace(world.services, settings=settings, access=access))


def sent_to(client: TestClient, next_path: str = "/") -> str:
    answer = client.get(BEGIN, params={"next": next_path})
    assert answer.status_code == 303
    return str(answer.headers["location"])


def come_back(office: World, provider: LoopbackProvider, subject: str = "eva-1") -> tuple[TestClient, Any]:
    """Go to the provider, press its button, and return with what it says."""
    client = office.visitor()
    back = provider.consent(sent_to(client, "/interviews"), subject)
    return client, client.get(back)


def person(office: World, client: TestClient) -> UserView:
    return office.services.access.users.get(client.get("/api/v1/me").json()["id"])


def newcomers(office: World) -> list[UserView]:
    return [user for user in office.services.access.users.list() if not user.is_local]


def test_somebody_new_becomes_a_member_and_goes_on_to_the_page_they_wanted(
    office: World, provider: LoopbackProvider
) -> None:
    provider.know("eva-1", **EVA)
    client, answer = come_back(office, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/interviews")
    user = person(office, client)
    assert (user.name, user.email, user.role, user.has_privacy) == (EVA["name"], EVA["email"], "member", False)
    assert user.uses_single_sign_on
    assert not user.has_password
    again, _ = come_back(office, provider)
    assert person(office, again).id == user.id
    assert len(newcomers(office)) == 1


def test_the_question_to_the_provider_names_only_our_callback(office: World, provider: LoopbackProvider) -> None:
    asked = urlsplit(sent_to(office.visitor()))
    fields = {name: values[0] for name, values in parse_qs(asked.query).items()}
    assert f"{asked.scheme}://{asked.netloc}" == provider.address
    assert fields["redirect_uri"] == f"http://testserver{CALLBACK}"
    assert (fields["response_type"], fields["code_challenge_method"]) == ("code", "S256")
    assert set(fields["scope"].split()) == {"openid", "email", "profile"}
    assert len({fields["state"], fields["nonce"], fields["code_challenge"]}) == 3


def test_two_beginnings_share_nothing() -> None:
    one, other = Handshake("a" * 43), Handshake("b" * 43)
    parts = {one.state, one.nonce, one.code_verifier, other.state, other.nonce, other.code_verifier}
    assert len(parts) == 6
    assert all(len(part) == 43 for part in parts)


def test_the_provider_sees_the_verifier_of_its_challenge(office: World, provider: LoopbackProvider) -> None:
    _, answer = come_back(office, provider)
    assert answer.status_code == 303
    assert len(provider.asked[0]["code_verifier"]) == 43


def test_a_code_of_another_handshake_is_worth_nothing(office: World, provider: LoopbackProvider) -> None:
    stolen = parse_qs(urlsplit(provider.consent(sent_to(office.visitor()), "eva-1")).query)["code"][0]
    client = office.visitor()
    back = provider.consent(sent_to(client), "mallory")
    own = parse_qs(urlsplit(back).query)["code"][0]
    answer = client.get(back.replace(own, stolen))
    assert answer.status_code == 401
    assert newcomers(office) == []


def test_an_answer_counts_only_in_the_browser_that_asked(office: World, provider: LoopbackProvider) -> None:
    asking, other = office.visitor(), office.visitor()
    back = provider.consent(sent_to(asking), "eva-1")
    sent_to(other)
    for client in (other, office.visitor()):
        answer = client.get(back)
        assert answer.status_code == 401
        assert "begin again" in PageText(answer.text).text
    assert asking.get(back).status_code == 303
    assert asking.get(back).status_code == 401, "the handshake is used up"
    assert newcomers(office)[0].uses_single_sign_on


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?error=access_denied&state={state}",
        "?code=x&state=guess",
        "?code=x",
        "?code=x&state={state}&iss=https://evil.example",
    ],
)
def test_an_answer_that_does_not_fit_is_refused(office: World, provider: LoopbackProvider, query: str) -> None:
    client = office.visitor()
    state = parse_qs(urlsplit(sent_to(client)).query)["state"][0]
    assert client.get(CALLBACK + query.format(state=state)).status_code == 401
    assert provider.asked == []


@pytest.mark.parametrize(
    "spoilt",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": "another-client", "azp": "earshot"},
        {"aud": ["earshot", "another-client"]},
        {"aud": ["earshot", "another-client"], "azp": "another-client"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"sub": "x" * 256},
    ],
    ids=lambda spoilt: repr(spoilt)[:40],
)
def test_a_wrong_id_token_is_not_believed(provider: LoopbackProvider, spoilt: dict[str, Any]) -> None:
    def spoil(claims: dict[str, Any]) -> None:
        claims.update(spoilt)
        for name, value in spoilt.items():
            if value is None:
                del claims[name]

    provider.spoil = spoil
    asked, handshake = OpenIdProvider(provider.address, "earshot", "", "http://testserver/", "groups"), Handshake("a")
    back = provider.consent(asked.address(handshake), "eva-1")
    answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    with pytest.raises(Unauthorized) as caught:
        asked.claims(answer, handshake, datetime.now(UTC))
    assert caught.value.code == "single_sign_on_refused"
    assert len(provider.asked) == 1, "the code was exchanged: it is the token that is refused"


def test_a_clock_that_is_a_little_behind_is_no_reason(office: World, provider: LoopbackProvider) -> None:
    provider.spoil = lambda claims: claims.update(iat=int(time.time()) + 30, exp=int(time.time()) - 30)
    assert come_back(office, provider)[1].status_code == 303


def test_a_signature_of_somebody_else_lets_nobody_in(office: World, provider: LoopbackProvider) -> None:
    provider.sign_with = RSAKey.generate_key(2048)
    assert come_back(office, provider)[1].status_code == 401
    assert newcomers(office) == []


def test_a_token_without_a_signature_lets_nobody_in(office: World, provider: LoopbackProvider) -> None:
    provider.algorithm = "none"
    assert come_back(office, provider)[1].status_code == 401
    assert newcomers(office) == []


def test_a_token_signed_with_a_secret_that_others_may_know_lets_nobody_in(
    office: World, provider: LoopbackProvider
) -> None:
    provider.algorithm, provider.sign_with = "HS256", OctKey.import_key("a secret between two servers")
    assert come_back(office, provider)[1].status_code == 401
    assert newcomers(office) == []


def test_groups_are_read_again_at_each_sign_in(office: World, provider: LoopbackProvider) -> None:
    provider.know("eva-1", **EVA, groups=["RESEARCH", "sales", "administrators"])
    client, _ = come_back(office, provider)
    user = person(office, client)
    assert (user.teams, user.role) == (("research", "sales"), "member")
    provider.know("eva-1", **EVA, groups=["sales"])
    come_back(office, provider)
    assert person(office, client).teams == ("sales",)
    provider.know("eva-1", **EVA)
    come_back(office, provider)
    assert person(office, client).teams == ("sales",), "the provider says nothing about groups"
    provider.know("eva-1", **EVA, groups=[])
    come_back(office, provider)
    assert person(office, client).teams == ()


def test_somebody_invited_is_recognised_by_a_verified_address(office: World, provider: LoopbackProvider) -> None:
    users = office.services.access.users
    invited, token = users.invite(NewUser("Eva", "eva@fernhill.example", "viewer"), "usr_local")
    provider.know("eva-1", name="Eva", email="EVA@fernhill.example", email_verified=True)
    client, _ = come_back(office, provider)
    assert person(office, client).id == invited.id
    assert person(office, client).role == "viewer"
    assert office.visitor().get(f"/choose-password?token={token}").status_code == 401, "the invitation is used up"


@pytest.mark.parametrize("verified", [False, None, "true"])
def test_an_address_that_is_not_verified_takes_nobodys_place(
    office: World, provider: LoopbackProvider, verified: object
) -> None:
    invited, _ = office.services.access.users.invite(NewUser("Eva", "eva@fernhill.example", "administrator"), "x")
    provider.know("mallory", name="Mallory", email="eva@fernhill.example", email_verified=verified)
    client, _ = come_back(office, provider, "mallory")
    user = person(office, client)
    assert user.id != invited.id
    assert (user.email, user.role) == (None, "member")


def test_an_address_that_only_looks_the_same_in_lower_case_takes_nobodys_place(
    office: World, provider: LoopbackProvider
) -> None:
    invited, _ = office.services.access.users.invite(NewUser("Kim", "kim@fernhill.example", "administrator"), "x")
    provider.know("mallory", name="Mallory", email="\N{KELVIN SIGN}im@fernhill.example", email_verified=True)
    client, _ = come_back(office, provider, "mallory")
    assert person(office, client).id != invited.id


def test_an_address_with_a_password_is_never_taken_over(office: World, provider: LoopbackProvider) -> None:
    access = office.services.access
    _, token = access.users.invite(NewUser("Eva", "eva@fernhill.example"), "usr_local")
    access.passwords.choose(token, "correct horse battery staple")
    provider.know("eva-1", **EVA)
    _, answer = come_back(office, provider)
    assert answer.status_code == 409
    assert "fernhill" not in answer.text


def test_a_disabled_person_is_refused(office: World, provider: LoopbackProvider) -> None:
    client, _ = come_back(office, provider)
    office.services.access.users.change(person(office, client).id, UserChange(is_disabled=True), "usr_local")
    _, answer = come_back(office, provider)
    assert answer.status_code == 403
    assert "ask an administrator" in PageText(answer.text).text
    assert client.get("/me").status_code == 303


def test_the_audit_names_nobody(office: World, provider: LoopbackProvider) -> None:
    provider.know("eva-1", **EVA, groups=["sales"])
    come_back(office, provider)
    with office.services.database.read() as session:
        events = session.exec(select(AuditEvent)).all()
    assert {"user.joined", "user.teams_changed", "session.created"} <= {event.action for event in events}
    written = repr(events).lower()
    assert "eva" not in written
    assert "fernhill" not in written


def test_the_button_stands_on_the_sign_in_page_only_where_it_works(office: World, world: World) -> None:
    assert "Sign in with single sign-on" in PageText(office.visitor().get("/sign-in").text).text
    assert "single sign-on" not in PageText(world.visitor().get("/sign-in").text).text
    for path in (BEGIN, CALLBACK):
        assert world.visitor().get(path).status_code == 404


def test_a_sign_in_ends_the_session_that_the_browser_had(office: World, provider: LoopbackProvider) -> None:
    client = office.member()
    before = client.cookies["earshot_session"]
    client.get(provider.consent(sent_to(client, "//evil.example/"), "eva-1"))
    assert person(office, client).uses_single_sign_on
    stale = office.visitor()
    stale.cookies.set("earshot_session", before)
    assert stale.get("/me").status_code == 303
    assert token_on(client, "/me")


def test_a_provider_that_cannot_be_reached_is_said_on_the_sign_in_page(office: World) -> None:
    nowhere = OpenIdProvider("http://127.0.0.1:9", "earshot", "", f"http://testserver{CALLBACK}", "groups")
    access = AccessService(office.services.database, office.services.clock, QUICK_HASHES, nowhere)
    client = TestClient(create_app(replace(office.services, access=access)), follow_redirects=False)
    answer = client.get(BEGIN)
    assert answer.status_code == 503
    assert "cannot be reached" in PageText(answer.text).text


@pytest.mark.parametrize(
    "settings",
    [
        {"oidc_issuer": "http://idp.example", "oidc_client_id": "x", "base_url": "https://earshot.example"},
        {"oidc_issuer": "https://idp.example", "base_url": "https://earshot.example"},
        {"oidc_issuer": "https://idp.example", "oidc_client_id": "x"},
    ],
)
def test_single_sign_on_that_is_set_up_by_half_is_refused_at_the_start(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="EARSHOT_OIDC_ISSUER"):
        Settings(**settings)  # type: ignore[arg-type]
