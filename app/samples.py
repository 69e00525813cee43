"""The sample workspace: invented interviews and contacts, loaded the first time so that there is something to find.

Calls the same services as everybody else. Loading twice changes nothing; `samples/README.md` describes the files.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from app.services import Services
from contact_registry.actor import Actor
from contact_registry.schemas import ReserveIn, TouchpointIn
from contact_registry.schemas_people import AccountIn, ContactIn, SuppressionIn
from contact_registry.schemas_rules import PurposeIn
from core import directory
from core.blobs import read_file
from core.errors import Conflict
from core.visibility import ALL_SEEING
from ingest.schemas import InterviewIn, RecordingIn

SAMPLES = Path(__file__).parents[1] / "samples"
PRACTICE_MODEL = SAMPLES / "practice_model"
SOURCE = "sample"
_ACTOR = Actor(id="sample", source=SOURCE)


def load_if_empty(services: Services) -> bool:
    """Load the samples when the workspace holds no interview and nobody; say whether it did."""
    has_interviews = bool(services.ingest.list_interviews(limit=1, viewer=ALL_SEEING).items)
    has_contacts = bool(services.registry.find_contacts("", limit=1).items)
    if has_interviews or has_contacts:
        return False
    load(services)
    return True


def load(services: Services) -> int:
    """Load everything and return how many interviews there are; their processing goes on as jobs."""
    registry = json.loads((SAMPLES / "registry.json").read_text(encoding="utf-8"))
    _load_directory(services, registry)
    _load_people(services, registry)
    return _load_interviews(services)


def reset(services: Services) -> int:
    """Load the samples anew and return how many interviews there are; what people added stays.

    The history of the sample contacts begins again from today: their old touchpoints are voided. A contact that was
    erased or merged meanwhile stays as it is.
    """
    cursor = None
    while True:
        page = services.ingest.list_interviews(cursor=cursor, limit=200, viewer=ALL_SEEING)
        for interview in page.items:
            if interview.source == SOURCE:
                services.ingest.delete(interview.id, actor=SOURCE, viewer=ALL_SEEING)
        cursor = page.next_cursor
        if cursor is None:
            break
    registry = json.loads((SAMPLES / "registry.json").read_text(encoding="utf-8"))
    contacts = _sample_contacts(services)
    if contacts:
        _begin_history_again(services, registry, contacts)
        return _load_interviews(services)
    return load(services)


def _sample_contacts(services: Services) -> dict[str, str]:
    found: dict[str, str] = {}
    cursor = None
    while True:
        page = services.registry.find_contacts("", limit=200, cursor=cursor)
        for contact in page.items:
            found.update({one["id"]: contact.id for one in contact.external_ids if one["system"] == SOURCE})
        cursor = page.next_cursor
        if cursor is None:
            return found


def _begin_history_again(services: Services, registry: dict[str, Any], contacts: dict[str, str]) -> None:
    for contact in set(contacts.values()):
        for touchpoint in services.registry.timeline(contact):
            if touchpoint.source == SOURCE and touchpoint.status != "voided":
                services.registry.set_outcome(touchpoint.id, "voided", _ACTOR)
    now = services.clock.now()
    for row in registry["touchpoints"]:
        if row["contact"] in contacts:
            fresh = {**row, "external_id": f"{row['external_id']}-{now:%Y%m%d%H%M%S}"}
            _add_touchpoint(services, contacts[row["contact"]], fresh, now)


def _load_directory(services: Services, registry: dict[str, Any]) -> None:
    now = services.clock.now()
    with services.database.write() as session:
        for project in registry["projects"]:
            directory.put_project(session, project["id"], project["name"], now, ALL_SEEING)
        for team in registry["teams"]:
            directory.put_team(session, team["id"], team["name"], now)


def _load_interviews(services: Services) -> int:
    count = 0
    for file in sorted((SAMPLES / "interviews").glob("*.json")):
        interview = InterviewIn.model_validate_json(file.read_bytes())
        with _unless_withdrawn():
            services.ingest.add_interview(interview, source=SOURCE, actor=SOURCE, viewer=ALL_SEEING)
            count += 1
    with _unless_withdrawn():
        _add_spoken(services, SAMPLES / "spoken" / "interview.json")
        count += 1
    return count


@contextmanager
def _unless_withdrawn() -> Iterator[None]:
    """Leave out a sample that somebody withdrew to try it: it is not taken in again."""
    try:
        yield
    except Conflict as error:
        if error.code != "withdrawn":
            raise


def _add_spoken(services: Services, file: Path) -> None:
    """Add the interview with sound; its script gives the metadata, the practice model writes the text."""
    spoken = json.loads(file.read_text(encoding="utf-8"))
    names = ("title", "project", "recorded_at", "language", "participants", "tags")
    sent = RecordingIn(external_id="spoken-interview", **{name: spoken[name] for name in names})
    audio = file.with_name(spoken["audio"])
    services.ingest.add_recording(read_file(audio), audio.name, sent, source=SOURCE, actor=SOURCE, viewer=ALL_SEEING)


def _load_people(services: Services, registry: dict[str, Any]) -> None:
    """Add accounts, contacts and their history; ids of the file are the external ids of the system `sample`."""
    service = services.registry
    for purpose in registry["purposes"]:
        service.rules.put_purpose(
            purpose["id"], PurposeIn.model_validate({"class": purpose["class"], "name": purpose["name"]}), _ACTOR
        )
    accounts: dict[str, str] = {}
    for row in registry["accounts"]:
        sent = AccountIn(name=row["name"], tz=row["tz"], external_ids=[{"system": SOURCE, "id": row["id"]}])
        accounts[row["id"]] = service.add_account(sent, _ACTOR).id
    contacts: dict[str, str] = {}
    for row in registry["contacts"]:
        sent_contact = ContactIn(
            name=row["name"],
            emails=row["emails"],
            phones=row["phones"],
            account=accounts.get(row["account"]),
            segments=row["segments"],
            external_ids=[{"system": SOURCE, "id": row["id"]}],
        )
        contacts[row["id"]] = service.add_contact(sent_contact, _ACTOR).id
    now = services.clock.now()
    for row in registry["touchpoints"]:
        _add_touchpoint(services, contacts[row["contact"]], row, now)
    for row in registry["suppressions"]:
        subject = {kind: contacts.get(value, value) for kind, value in row["subject"].items()}
        began = now - timedelta(days=row["days_ago"])
        service.stops.suppress(
            SuppressionIn.model_validate({"subject": subject, "source": row["source"], "from": began}), _ACTOR
        )


def _add_touchpoint(services: Services, contact: str, row: dict[str, Any], now: datetime) -> None:
    day = (now - timedelta(days=row["days_ago"])).date()
    common = {
        "contact": contact,
        "at": datetime.combine(day, time.fromisoformat(row["time"]), UTC),
        "team": row["team"],
        "channel": row["channel"],
        "purpose": row["purpose"],
        "engagement": row.get("engagement"),
        "external_id": row["external_id"],
    }
    if row["status"] == "reserved":
        services.registry.reserve(ReserveIn(**common, ttl=f"PT{row['hold_hours']}H"), _ACTOR)
    elif row["status"] == "planned":
        services.registry.book(TouchpointIn(**common, status="planned"), _ACTOR)
    else:
        services.registry.record(TouchpointIn(**common, status=row["status"]), _ACTOR)
