"""A world with one object of each kind and one caller of each kind, and a way back to how it was."""

import re
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from app import cookies as cookie_names
from app.access.keys import NewKey
from app.access.permissions import Permission, Role
from app.access.principals import Principal
from app.access.projects import ProjectChange
from app.access.secrets import form_token
from app.access.tables import TeamMember, User
from app.main import create_app
from app.services import Services
from contact_registry.actor import SYSTEM
from contact_registry.schemas import ReserveIn
from contact_registry.schemas_imports import HistoryFile, ImportIn
from contact_registry.schemas_people import AccountIn, ContactIn, SubjectIn, SuppressionIn
from contact_registry.schemas_rules import DraftIn
from core.clock import SettableClock
from core.visibility import ALL_SEEING
from ingest.schemas import RecordingIn
from tests.app.route_table import RULE, Needs
from tests.media_factory import tone, write_recording
from tests.pages.world import NOON, World, example_interview

MEMBER = frozenset({Permission.READ, Permission.INGEST, Permission.CONTACTS_READ, Permission.CONTACTS_WRITE})
VIEWER = frozenset({Permission.READ, Permission.CONTACTS_READ})
NOBODY = None  # not let in at all

# What no answer to somebody who may not know it, and no log line, ever holds.
SECRETS = (
    "Zanzibar",  # the hidden interview's title
    "zanzibar@hidden.example",
    "Quokka",  # a participant of it
    "Xylophone",  # said in it
    "Vermilion",  # the restricted project's name
    "chartreuse-tag",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls; `permissions` is what we say they have, None for those who are not let in."""

    name: str
    permissions: frozenset[Permission] | None
    session: str | None = None  # the cookie
    key: str | None = None
    user_id: str = "usr_local"
    actor: str = ""  # what the audit calls them

    @property
    def is_person(self) -> bool:
        return self.key is None


class Everybody:
    """The world, its app and its callers; `ids` fill the routes' parameters."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.services: Services = world.services
        self.ids: dict[str, str] = {}
        self._seed()
        self.callers = {caller.name: caller for caller in _callers(self.services)}
        self.app: FastAPI = create_app(self.services)
        self.client = TestClient(self.app, follow_redirects=False, raise_server_exceptions=False)
        self.client.__enter__()  # one event loop for all requests: beginning one for each takes longer than they do
        self._kept = self._folder.parent / "kept"
        self.keep()

    def close(self) -> None:
        self.client.__exit__()
        self.world.close()

    @property
    def _folder(self) -> Path:
        return self.services.settings.data_dir

    def keep(self) -> None:
        """Make this the state that `restore` goes back to."""
        shutil.rmtree(self._kept, ignore_errors=True)
        self._kept.mkdir()
        with sqlite3.connect(self._folder / "earshot.db") as now, sqlite3.connect(self._kept / "kept.db") as kept:
            now.backup(kept)
        now.close()
        kept.close()
        shutil.copytree(self._folder / "recordings", self._kept / "recordings")

    def restore(self) -> None:
        """Take everything back to how it was in the beginning."""
        with sqlite3.connect(self._kept / "kept.db") as kept, sqlite3.connect(self._folder / "earshot.db") as now:
            kept.backup(now)
        now.close()
        kept.close()
        shutil.copytree(self._kept / "recordings", self._folder / "recordings", dirs_exist_ok=True)

    def sizes(self) -> list[tuple[str, int]]:
        """Return how many rows each table has, the audit among them."""
        with self.services.database.read() as session:
            names = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"))
            tables = [name for (name,) in names if not name.startswith(("sqlite_", "passage_"))]
            counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in tables)
            return [(name, count) for name, count in session.execute(text(counts))]

    def send(self, route: str, needs: Needs, caller: Caller, **ids: str) -> httpx2.Response:
        """Send the route's request as `caller`."""
        method, path = route.split(" ", 1)
        known = self.ids | {"user_id": caller.user_id} | ids
        known |= {name: known[other] for name, other in needs.ids.items()}
        if "{upload_id}" in path:
            known["upload_id"] = self._upload(caller)
        headers = needs.headers | self.credentials(caller)
        form = None if needs.form is None else dict(needs.form)
        if caller.session is None and form is not None:
            headers["Cookie"] = f"{cookie_names.FORM}=a-visitor"
            form["csrf_token"] = form_token("a-visitor")
        return self.client.request(
            method,
            path.format_map(known),
            params=_filled(needs.query, known),
            json=_filled(needs.json, known),
            data=_filled(form, known),
            files=needs.files,
            content=needs.content,
            headers=headers,
        )

    def credentials(self, caller: Caller) -> dict[str, str]:
        """Return the headers by which the caller is known."""
        if caller.key is not None:
            return {"Authorization": f"Bearer {caller.key}"}
        if caller.session is None:
            return {}
        cookie = f"{cookie_names.SESSION}={caller.session}"
        return {"Cookie": cookie, "X-CSRF-Token": form_token(caller.session)}

    def _upload(self, caller: Caller) -> str:
        sent = RecordingIn()
        return self.services.uploads.create(5, "a.wav", sent, source="test", actor=caller.actor, viewer=ALL_SEEING).id

    def _seed(self) -> None:
        services, registry = self.services, self.services.registry
        account = registry.add_account(AccountIn(name="Bakery"), SYSTEM)
        other, twin = (registry.add_contact(ContactIn(name=name), SYSTEM) for name in ("Wombat", "Twin"))
        registry.merging.merge(other.id, twin.id, SYSTEM)
        someone = registry.add_contact(ContactIn(name="Numbat", emails=["some@shop.example"]), SYSTEM)
        held = ReserveIn(
            contact=someone.id, at=NOON + timedelta(days=90), team="research", channel="email", purpose="interview"
        )
        hold = registry.reserve(held, SYSTEM)
        stop = registry.stops.suppress(SuppressionIn(subject=SubjectIn(domain="no.example"), source="manual"), SYSTEM)
        done = registry.imports.run(ImportIn(rows=[{"email": "old@shop.example"}]), SYSTEM)
        draft = registry.rules.put_draft(DraftIn(policies=[RULE]), SYSTEM)
        tried = registry.lists.import_file(b"email\nold@shop.example\n", SYSTEM, HistoryFile(dry_run=True))
        registry.list_worker().finish()
        key, _ = services.access.keys.create(NewKey("somebody's"), "test")
        sound = write_recording(self._folder.parent / "sound.wav", tone(1.0))
        heard, _ = services.ingest.add_recording(
            iter([sound.read_bytes()]),
            "sound.wav",
            RecordingIn(title="Heard", participants=[{"name": "Dodo"}]),
            "sample",
            "test",
            ALL_SEEING,
        )
        assert done.id is not None
        self.ids |= {
            "interview_id": heard.id,
            "contact_id": self.world.contact_id,
            "contact_seen": registry.get_contact(self.world.contact_id).updated_at.isoformat(),
            "other_contact_id": someone.id,
            "merged_contact_id": twin.id,
            "account_id": account.id,
            "touchpoint_id": registry.timeline(self.world.contact_id)[0].id,
            "reservation_id": hold.id,
            "suppression_id": stop.id,
            "stop_id": stop.id,
            "import_id": done.id,
            "job_id": tried.id,
            "key_id": key.id,
            "project_id": "mail",
            "team_id": "research",
            "purpose_id": "interview",
            "version": str(registry.rules.active().version),
            "revision": str(draft.revision),
            "ordinal": "0",
            "withdrawal_id": "wdr_none",
            "session_id": "ses_none",
            "saved_search_id": "sav_none",
            "question_id": "qst_none",
            "moment_id": "exm_none",
            "run_id": "run_none",
            "other_user_id": "usr_viewer",
            "gone_user_id": "usr_gone",
            "member_user_id": "usr_member",
        }


def hide_an_interview(everybody: Everybody) -> str:
    """Add an interview full of SECRETS in a project that only the team research may look into; return its id."""
    services = everybody.services
    everything = frozenset(Permission)
    administrator = Principal("usr_local", "Administrator", "page", everything, ALL_SEEING, Role.ADMINISTRATOR)
    change = ProjectChange("Vermilion", True, teams=frozenset({"research"}))
    services.access.projects.put("vault", change, administrator)
    segments = [{"speaker": "Quokka", "start_ms": 0, "end_ms": 900, "text": "The Xylophone mails, four in one week."}]
    interview = example_interview(
        "Zanzibar talks",
        project="vault",
        external_id="secret-1",
        tags=["chartreuse-tag"],
        recorded_at=NOON - timedelta(days=5),
        participants=[{"name": "Quokka", "email": "zanzibar@hidden.example", "speaker": "Quokka"}],
        segments=segments,
    )
    return services.ingest.add_interview(interview, "sample", "test", ALL_SEEING).id


def _callers(services: Services) -> list[Caller]:
    clock = services.clock
    assert isinstance(clock, SettableClock)
    with services.database.write() as session:
        for name, role in (("viewer", "viewer"), ("other", "member"), ("member", "member"), ("privacy", "member")):
            has_privacy = name == "privacy"
            session.add(User(id=f"usr_{name}", name=name, role=role, has_privacy=has_privacy, created_at=NOON))
        session.add(User(id="usr_gone", name="Gone", role="administrator", created_at=NOON))
        session.flush()
        session.add(TeamMember(team_id="research", user_id="usr_member"))
        session.add(TeamMember(team_id="sales", user_id="usr_other"))
    keys, sessions = services.access.keys, services.access.sessions

    def person(name: str, permissions: frozenset[Permission] | None, user_id: str) -> Caller:
        return Caller(name, permissions, session=sessions.begin(user_id), user_id=user_id, actor=user_id)

    def program(name: str, permissions: frozenset[Permission] | None, key: NewKey) -> Caller:
        view, secret = keys.create(key, "test")
        return Caller(name, permissions, key=secret, actor=view.id)

    clock.set(NOON - timedelta(days=30))
    expired = person("expired session", NOBODY, "usr_local")
    expired_key = program("expired key", NOBODY, NewKey("old", expires_at=NOON - timedelta(days=1)))
    clock.set(NOON)
    gone = program("key of a disabled user", NOBODY, NewKey("gone", user_id="usr_gone"))
    gone_session = person("session of a disabled user", NOBODY, "usr_gone")
    revoked = program("revoked key", NOBODY, NewKey("revoked"))
    keys.revoke(revoked.actor, "test")
    with services.database.write() as session:
        user = session.get(User, "usr_gone")
        assert user is not None
        user.disabled_at = NOON
    scopes: dict[str, frozenset[Permission]] = {
        "read": frozenset({Permission.READ}),
        "ingest": frozenset({Permission.INGEST}),
        "contacts:read": frozenset({Permission.CONTACTS_READ}),
        "contacts:write": frozenset({Permission.CONTACTS_READ, Permission.CONTACTS_WRITE}),
        "admin": frozenset(Permission),
    }
    return [
        Caller("anonymous", NOBODY),
        person("viewer", VIEWER, "usr_viewer"),
        person("member of another team", MEMBER, "usr_other"),
        person("member", MEMBER, "usr_member"),
        person("administrator", frozenset(Permission), "usr_local"),
        person("privacy", MEMBER | {Permission.PRIVACY}, "usr_privacy"),
        *(program(f"key {scope}", allowed, NewKey(f"k-{scope}", [scope])) for scope, allowed in scopes.items()),
        gone,
        gone_session,
        expired_key,
        revoked,
        expired,
        Caller("invented key", NOBODY, key="ear_invented"),
    ]


_PLACE = re.compile(r"\{(\w+)\}")


def _filled(value: Any, ids: dict[str, str]) -> Any:
    """Return the value with every `{name}` in its texts filled in."""
    if isinstance(value, str):
        return _PLACE.sub(lambda match: ids.get(match[1], match[0]), value)
    if isinstance(value, dict):
        return {name: _filled(one, ids) for name, one in value.items()}
    return [_filled(one, ids) for one in value] if isinstance(value, list) else value
