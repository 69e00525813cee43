"""Restricted projects: who makes them so, who looks in, and what others could notice of them."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.access.principals import Principal, of_user
from app.access.projects import ProjectChange
from app.access.tables import TeamMember, User
from core.audit import AuditEvent
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.visibility import ALL_SEEING, Viewer
from ingest.schemas import RecordingIn
from tests.app.conftest import api_of
from tests.pages.world import NOON, PageText, World, example_interview, token_on

TALK = b"Ann: The price is fine for us.\n"


def person(world: World, name: str, role: str = "member", team: str | None = None) -> Principal:
    with world.services.database.write() as session:
        user = User(id=f"usr_{name}", name=name, role=role, created_at=NOON)
        session.add(user)
        session.flush()
        if team is not None:
            session.add(TeamMember(team_id=team, user_id=user.id))
            session.flush()
        return of_user(session, user)


def again(world: World, caller: Principal) -> Principal:
    """Return the person as they are at their next request."""
    with world.services.database.read() as session:
        user = session.get(User, caller.user_id)
        assert user is not None
        return of_user(session, user)


@pytest.fixture
def boss(world: World) -> Principal:
    return person(world, "boss", "administrator")


def restrict(world: World, boss: Principal, **granted: Any) -> None:
    change = ProjectChange("Layoffs", True, **{name: frozenset(ids) for name, ids in granted.items()})
    world.services.access.projects.put("layoffs", change, boss)


def test_a_team_and_a_person_look_into_what_was_granted_to_them_and_others_do_not(
    world: World, boss: Principal
) -> None:
    ann, bob, eve = person(world, "ann", team="research"), person(world, "bob"), person(world, "eve", team="sales")
    restrict(world, boss, teams=["research"], users=["usr_bob"])
    projects = world.services.access.projects
    seen = {one.user_id: {project.id for project in projects.list(again(world, one))} for one in (ann, bob, eve)}
    assert seen == {"usr_ann": {"layoffs", "mail"}, "usr_bob": {"layoffs", "mail"}, "usr_eve": {"mail"}}
    with pytest.raises(NotFound):
        projects.get("layoffs", again(world, eve))


def test_only_an_administrator_restricts_opens_grants_and_renames_what_is_restricted(
    world: World, boss: Principal
) -> None:
    restrict(world, boss, users=["usr_boss"])
    ann = person(world, "ann")
    world.services.access.projects.put(
        "layoffs", ProjectChange("Layoffs", users=frozenset({"usr_boss", "usr_ann"})), boss
    )
    ann, projects = again(world, ann), world.services.access.projects
    for project_id, change in (
        ("layoffs", ProjectChange("Another name")),
        ("layoffs", ProjectChange("Layoffs", False)),
        ("layoffs", ProjectChange("Layoffs", users=frozenset({"usr_ann"}))),
        ("mail", ProjectChange("E-mail study", True)),
        ("brand-new", ProjectChange("New", True)),
    ):
        with pytest.raises(Forbidden):
            projects.put(project_id, change, ann)
    assert projects.put("layoffs", ProjectChange("Layoffs"), ann)[1] is False
    assert projects.put("mail", ProjectChange("Mail"), ann)[0].name == "Mail"
    assert projects.put("brand-new", ProjectChange("New"), ann)[1] is True


def test_an_id_that_is_hidden_can_be_neither_taken_nor_used(world: World, boss: Principal) -> None:
    restrict(world, boss)
    eve = person(world, "eve")
    with pytest.raises(Conflict) as caught:
        world.services.access.projects.put("layoffs", ProjectChange("Mine"), eve)
    assert "Layoffs" not in str(caught.value)
    api = api_of(world, "reader")
    sent = {"title": "x", "segments": [{"text": "hello"}], "project": "nowhere"}
    unknown = api.post("/api/v1/interviews", json=sent).json()
    hidden = client_for(world, eve).post("/api/v1/interviews", json={**sent, "project": "layoffs"}).json()
    assert hidden["detail"] == unknown["detail"].replace("nowhere", "layoffs")


def client_for(world: World, who: Principal) -> TestClient:
    client = world.visitor()
    client.cookies.set("earshot_session", world.services.access.sessions.begin(who.user_id or ""))
    client.headers["X-CSRF-Token"] = token_on(client, "/projects")
    return client


def test_opening_takes_back_what_was_granted(world: World, boss: Principal) -> None:
    restrict(world, boss, teams=["research"], users=["usr_boss"])
    projects = world.services.access.projects
    opened, _ = projects.put("layoffs", ProjectChange("Layoffs", False), boss)
    assert (opened.teams, opened.users) == ((), ())
    closed, _ = projects.put("layoffs", ProjectChange("Layoffs", True), boss)
    assert (closed.teams, closed.users) == ((), ())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (ProjectChange("Layoffs", True, teams=frozenset({"nobody"})), "unknown_team"),
        (ProjectChange("Layoffs", True, users=frozenset({"usr_nobody"})), "unknown_user"),
        (ProjectChange("Layoffs", users=frozenset({"usr_boss"})), "project_is_open"),
        (ProjectChange("  "), "invalid_project_name"),
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(
    world: World, boss: Principal, change: ProjectChange, code: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        world.services.access.projects.put("layoffs", change, boss)
    assert caught.value.code == code
    assert [project.id for project in world.services.access.projects.list(boss)] == ["mail"]


def test_the_audit_tells_each_step_by_ids(world: World, boss: Principal) -> None:
    restrict(world, boss, teams=["research"])
    change = ProjectChange("Other", True, teams=frozenset({"sales"}))
    world.services.access.projects.put("layoffs", change, boss)
    with world.services.database.read() as session:
        events = session.exec(select(AuditEvent).where(AuditEvent.subject_id == "layoffs")).all()
    assert sorted((event.action, event.detail.get("team", "")) for event in events) == [
        ("project.created", ""),
        ("project.grant_withdrawn", "research"),
        ("project.granted", "research"),
        ("project.granted", "sales"),
        ("project.renamed", ""),
        ("project.restricted", ""),
    ]


def test_the_page_restricts_and_grants_without_script(world: World, boss: Principal) -> None:
    client = client_for(world, boss)
    form = {"name": "E-mail study", "restricted": "1", "teams": ["research"], "users": ["usr_boss"]}
    form["csrf_token"] = token_on(client, "/projects/mail")
    assert client.post("/projects/mail", data=form).status_code == 303
    project = world.services.access.projects.get("mail", boss)
    assert (project.is_restricted, project.teams, project.users) == (True, ("research",), ("usr_boss",))
    page = PageText(client.get("/projects/mail").text)
    ticked = {attrs["value"] for tag, attrs in page.elements if tag == "input" and "checked" in attrs}
    assert ticked == {"1", "research", "usr_boss"}
    assert "restricted to 1 team and 1 person" in PageText(client.get("/projects").text).text
    nobody = {key: value for key, value in form.items() if key not in ("teams", "users")}
    assert client.post("/projects/mail", data=nobody).status_code == 303
    assert "restricted to administrators" in PageText(client.get("/projects").text).text


def test_a_member_s_form_cannot_restrict(world: World) -> None:
    client = client_for(world, person(world, "ann"))
    page = client.get("/projects/mail")
    assert 'name="restricted"' not in page.text
    form = {"name": "Mail", "restricted": "1", "csrf_token": token_on(client, "/projects/mail")}
    assert client.post("/projects/mail", data=form).status_code == 303
    with world.services.database.read() as session:
        assert world.services.access.projects.list(again(world, person(world, "eve")))[0].name == "Mail"
        assert session.get(User, "usr_ann") is not None


# --- what could be noticed ---


def test_a_tag_is_not_spelled_as_in_a_restricted_project(world: World, boss: Principal) -> None:
    restrict(world, boss)
    ingest, eve = world.services.ingest, person(world, "eve")
    hidden = example_interview("Hidden", project="layoffs", tags=["SeverancePay"])
    ingest.add_interview(hidden, "page", "test", ALL_SEEING)
    beside_it = example_interview("Hidden too", project="layoffs", tags=["severancepay"])
    assert ingest.add_interview(beside_it, "page", "test", ALL_SEEING).tags == ["SeverancePay"]
    mine = ingest.add_interview(example_interview("Mine", tags=["severancepay"]), "page", "test", eve.viewer)
    assert mine.tags == ["severancepay"]


def test_a_key_that_only_sends_is_not_given_what_others_sent(world: World) -> None:
    ingest = world.services.ingest
    others, _ = ingest.add_recording(
        iter([TALK]), "a.txt", RecordingIn(title="Ann of Bakery", participants=["Ann"]), "crm", "test", ALL_SEEING
    )
    only_sends = Viewer(sees_all=True, only_source="other")
    mine, is_new = ingest.add_recording(iter([TALK]), "a.txt", RecordingIn(), "other", "test", only_sends)
    assert is_new
    assert mine.id != others.id
    assert mine.participants == []


def test_a_repeated_request_is_answered_only_while_its_sender_may_see_the_answer(world: World, boss: Principal) -> None:
    restrict(world, boss, users=["usr_boss"])
    ann = person(world, "ann")
    grant = ProjectChange("Layoffs", users=frozenset({"usr_ann"}))
    world.services.access.projects.put("layoffs", grant, boss)
    client = client_for(world, ann)
    sent = {"title": "Secret", "segments": [{"text": "hello"}], "project": "layoffs"}
    headers = {"Idempotency-Key": "1"}
    first = client.post("/api/v1/interviews", json=sent, headers=headers)
    repeated = client.post("/api/v1/interviews", json=sent, headers=headers)
    assert (first.status_code, repeated.json()["id"]) == (201, first.json()["id"])
    world.services.access.projects.put("layoffs", ProjectChange("Layoffs", users=frozenset()), boss)
    refused = client.post("/api/v1/interviews", json=sent, headers=headers)
    assert (refused.status_code, "Secret" in refused.text) == (404, False)


def test_a_contact_s_log_does_not_lead_to_the_interview(world: World, boss: Principal) -> None:
    restrict(world, boss)
    jana = {"name": "Jana", "email": "jana@bakery.example"}
    hidden = example_interview("Hidden", project="layoffs", recorded_at="2026-05-01T10:00:00Z", participants=[jana])
    made = world.services.ingest.add_interview(hidden, "page", "test", ALL_SEEING)
    api = api_of(world)
    timeline = api.get(f"/api/v1/contacts/{world.contact_id}/timeline")
    recorded = next(one for one in timeline.json()["items"] if one["source"] == "interview")
    touchpoint = api.get(f"/api/v1/touchpoints/{recorded['id']}")
    page = world.member().get(f"/contacts/{world.contact_id}")
    for answer in (timeline, touchpoint, page):
        assert answer.status_code == 200
        assert not [word for word in (made.id, "Hidden", "layoffs", "Layoffs") if word in answer.text]
