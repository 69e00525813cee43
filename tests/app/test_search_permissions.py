"""Over HTTP, as with the service: people find what they would find if what they may not see had never been sent."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.access.keys import NewKey
from app.access.permissions import Role
from app.access.tables import ProjectTeam, ProjectUser, TeamMember, User
from app.main import create_app
from core.tables import Interview, Project, Team
from core.visibility import ALL_SEEING
from ingest.schemas import InterviewIn
from tests.pages.world import NOON, World, copy_of, token_on

PROJECTS = ("atlas", "borealis", "cumulus")  # the last two are restricted
_SAID = (
    "invoice wrong price meeting export dashboard login slow crash email renewal contract budget offline search seat"
)
WORDS = tuple(_SAID.split())
SECRETS = ("zeppelin", "moonbeam", "invoice", "merger")
QUERIES = ("invoice", "zeppelin price", "What did Ann say about the invoice?", "What did Mora think?", "moonbeam")

# Who asks, and which restricted projects they may look into.
PEOPLE = {
    "mel": frozenset[str](),
    "tea": frozenset({"borealis"}),  # through the team
    "uma": frozenset({"cumulus"}),  # herself
    "ada": frozenset({"borealis", "cumulus"}),  # an administrator
}


def talk(pick: random.Random, number: int) -> InterviewIn:
    project = pick.choice((None, *PROJECTS))
    is_secret = project in PROJECTS[1:]
    words = WORDS + (SECRETS * 2 if is_secret else ())
    speakers = ("Mora Hush", "Ann Hush") if is_secret else ("Ann Lee", "Bob Moss")
    segments = [
        {"speaker": pick.choice(speakers), "text": " ".join(pick.choices(words, k=pick.randint(5, 60)))}
        for _ in range(pick.choice((1, 4, 15)))
    ]
    tags = pick.sample(["churn", "pilot"], 1)
    return InterviewIn.model_validate(
        {"title": f"Talk {number}", "project": project, "tags": tags, "segments": segments}
    )


@dataclass(frozen=True)
class Caller:
    api: TestClient
    pages: TestClient


def callers_of(world: World, name: str) -> Caller:
    app = create_app(world.services)
    _, secret = world.services.access.keys.create(NewKey(f"{name}-key", ("read",), user_id=f"usr_{name}"), actor="test")
    if name == "ada":  # an administrator's viewer comes with an administrator's key
        _, secret = world.services.access.keys.create(NewKey("ada-admin", user_id="usr_ada"), actor="test")
    api = TestClient(app, headers={"authorization": f"Bearer {secret}"})
    pages = TestClient(app, follow_redirects=False)
    form = {
        "token": world.services.access.sessions.create_link(f"usr_{name}"),
        "csrf_token": token_on(pages, "/sign-in"),
    }
    assert pages.post("/sign-in", data=form).status_code == 303
    return Caller(api, pages)


@pytest.fixture(scope="module")
def crowded(seed: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A closed world with twenty interviews in open and in restricted projects."""
    pick = random.Random(7)
    world = copy_of(seed, tmp_path_factory.mktemp("crowded"))
    with world.services.database.write() as session:
        session.add(Team(id="tea", name="Tea", created_at=NOON))
        session.add_all(
            Project(id=slug, name=slug, is_restricted=slug != "atlas", created_at=NOON) for slug in PROJECTS
        )
        for name in PEOPLE:
            role = Role.ADMINISTRATOR if name == "ada" else Role.MEMBER
            session.add(User(id=f"usr_{name}", name=name, role=role, created_at=NOON))
        session.flush()
        session.add(TeamMember(team_id="tea", user_id="usr_tea"))
        session.add(ProjectTeam(project_id="borealis", team_id="tea"))
        session.add(ProjectUser(project_id="cumulus", user_id="usr_uma"))
    add = world.services.ingest.add_interview
    sent = [add(talk(pick, number), "crm", "test", ALL_SEEING) for number in range(20)]
    with world.services.database.write() as session:
        for interview in pick.sample(sent, 2):
            session.get_one(Interview, interview.id).is_quotable = False
    world.close()
    return world


@pytest.fixture
def pair(crowded: World, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Caller, Caller]]:
    """Somebody in the whole world, and an administrator where what that person may not see was deleted."""
    name: str = request.param
    whole, bare = copy_of(crowded, tmp_path / "whole"), copy_of(crowded, tmp_path / "bare")
    secret = {"borealis", "cumulus"} - PEOPLE[name]
    with bare.services.database.write() as session:
        for interview in session.exec(select(Interview)):
            if interview.project_id in secret or not interview.is_quotable:
                session.delete(interview)
        session.flush()
        for slug in secret:
            session.delete(session.get_one(Project, slug))
    yield callers_of(whole, name), callers_of(bare, "ada")
    whole.close()
    bare.close()


def addresses() -> list[str]:
    pick = random.Random(3)
    asked = []
    for query in (*QUERIES, *(" ".join(pick.choices((*WORDS, *SECRETS), k=3)) for _ in range(8))):
        question = {"q": query, "mode": pick.choice(("hybrid", "semantic", "keyword")), "limit": pick.choice((3, 10))}
        if pick.random() < 0.3:
            question |= pick.choice(({"project": "borealis"}, {"tag": "churn"}, {"speaker": "Ann Lee"}))
        asked.append(urlencode(question))
    return asked


def without_times(text: str) -> str:
    """Return what was answered without how long it took, and without the number of the request."""
    return re.sub(r'"took_ms":[\d.]+|[\d.]+ ms|"?req[a-z_]*"?:\s*"[^"]+"|req_\w+', "", text)


@pytest.mark.parametrize("pair", list(PEOPLE), indirect=True)
def test_the_api_and_the_page_answer_as_if_secrets_had_never_been_sent(pair: tuple[Caller, Caller]) -> None:
    asking, bare = pair
    found = 0
    for address in addresses():
        answers = [caller.api.get(f"/api/v1/search?{address}") for caller in (asking, bare)]
        assert answers[0].status_code == answers[1].status_code, address
        assert without_times(answers[0].text) == without_times(answers[1].text), address
        found += len(answers[0].json().get("results", []))
        pages = [without_times(results_of(caller.pages.get(f"/?{address}").text)) for caller in (asking, bare)]
        assert pages[0] == pages[1], address
    assert found > 20


@pytest.mark.parametrize("pair", list(PEOPLE), indirect=True)
def test_people_are_counted_as_if_secrets_had_never_been_sent(pair: tuple[Caller, Caller]) -> None:
    counted = 0
    for address in addresses():
        asked = re.sub(r"&limit=\d+", "", address)
        answers = [caller.api.get(f"/api/v1/answers?{asked}") for caller in pair]
        assert answers[0].status_code == answers[1].status_code, asked
        told = [{**one.json(), "accounts": None, "took_ms": 0, "instance": "", "request_id": ""} for one in answers]
        assert told[0] == told[1], asked
        counted += told[0].get("people", 0)
    assert counted > 5


def results_of(page: str) -> str:
    return page.split('id="results"', 1)[1].split("</main>", 1)[0]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_there_are_can_be_asked_for(world: World, day: str) -> None:
    answer = world.member().get("/api/v1/search", params={"q": "mails", "from": day, "to": day})
    assert (answer.status_code, answer.json()["results"]) == (200, [])
    assert world.member().get("/", params={"q": "mails", "from_day": day, "to_day": day}).status_code == 200
