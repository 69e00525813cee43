"""The whole registry goes out as lines of JSON and fills an empty workspace: the same state, the same answers."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel
from typer.testing import CliRunner, Result

from app.cli import cli
from app.services import Services
from contact_registry.actor import SYSTEM
from contact_registry.peppers import FILE_NAME
from contact_registry.repository.transfer import MODELS, table_of
from contact_registry.schemas import QuestionIn, ReserveIn
from contact_registry.schemas_imports import HistoryFile
from contact_registry.schemas_people import AccountIn, ConsentIn, ContactIn, EraseIn, ExternalId, SuppressionIn
from contact_registry.schemas_rules import ActivateIn, DraftIn, PurposeIn
from search.sqlite_full_text import create_full_text
from tests.pages.world import NOON, World, build_services

OPTED_OUT, ERASED = "stop@mill.example", "Gone+news@mill.example"


def run(services: Services, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    for module in ("contacts", "contact_lists"):
        monkeypatch.setattr(f"app.cli.{module}.open_services", lambda: services)
    return CliRunner().invoke(cli, ["contacts", *arguments])


@pytest.fixture
def full(world: World) -> World:
    """A registry with something of everything."""
    registry = world.services.registry
    account = registry.add_account(
        AccountIn(name="Mühle", tz="Europe/Vienna", external_ids=[ExternalId(system="crm", id="m-1")]), SYSTEM
    ).id
    sent = ContactIn(
        name="Max, “the” Miller",
        emails=["max@mill.example", "M.Miller@gmail.com"],
        phones=["+420123456789"],
        account=account,
        segments=["beta"],
        external_ids=[ExternalId(system="crm", id="p-1")],
    )
    miller = registry.add_contact(sent, SYSTEM).id
    twin = registry.add_contact(ContactIn(name="Max Miller", emails=["max@elsewhere.example"]), SYSTEM).id
    registry.merging.merge(miller, twin, SYSTEM)
    gone = registry.add_contact(ContactIn(name="Gone", emails=[ERASED], account=account), SYSTEM).id
    registry.erasure.erase(gone, EraseIn(), SYSTEM)
    for subject in ({"email": OPTED_OUT}, {"domain": "never.example"}, {"contact": twin}):
        registry.stops.suppress(SuppressionIn.model_validate({"subject": subject, "source": "opt_out"}), SYSTEM)
    granted = ConsentIn(contact=miller, purpose="survey", state="granted", effective_from=NOON, evidence="On paper.")
    registry.stops.add_consent(granted, SYSTEM)
    registry.rules.put_purpose("security", PurposeIn.model_validate({"class": "service", "name": "Security"}), SYSTEM)
    rule = {"id": "gap7", "name": "A week", "kind": "min_gap", "level": "contact", "gap": "P7D"}
    draft = registry.rules.put_draft(DraftIn(policies=[rule]), SYSTEM)
    registry.rules.activate(ActivateIn(base_version=draft.base_version), SYSTEM)
    at = NOON + timedelta(days=40)
    held = ReserveIn(contact=world.contact_id, at=at, team="sales", channel="phone", purpose="sales_call", ttl="PT2H")
    registry.reserve(held, SYSTEM)
    registry.files.import_file(
        b"email,date,channel,purpose,external_id\nnew@mill.example,2026-04-01,email,survey,h-1\n",
        SYSTEM,
        HistoryFile(defaults={"team": "research"}),
    )
    return world


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Services]:
    (tmp_path / "empty").mkdir()
    services = build_services(tmp_path / "empty")
    with services.database.writer_engine.begin() as connection:
        SQLModel.metadata.create_all(connection)
        create_full_text(connection)
    yield services
    services.search.close()
    services.database.close()


def copy_keys(source: Services, target: Services) -> None:
    shutil.copy(source.settings.data_dir / FILE_NAME, target.settings.data_dir / FILE_NAME)


def stored(services: Services) -> dict[str, list[str]]:
    """Return the rows of the registry's tables as the database has them."""
    with services.database.read() as session:
        connection = session.connection()
        return {
            name: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {name}")))
            for name in (table_of(model).name for model in MODELS)
        }


def answers(services: Services) -> list[str]:
    people = ["max@mill.example", "m.miller+x@googlemail.com", "jana@bakery.example", OPTED_OUT, ERASED.lower()]
    people += ["gone@mill.example", "anybody@never.example", "new@mill.example", "stranger@mill.example"]
    asked = [
        QuestionIn(email=who, at=NOON + timedelta(days=days), team="research", channel="email", purpose="survey")
        for who in people
        for days in (1, 38)
    ]
    return [services.registry.check(question, SYSTEM).model_dump_json() for question in asked]


def test_export_then_import_into_an_empty_workspace_is_the_same_registry(
    full: World, empty: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "registry.jsonl"
    assert run(full.services, monkeypatch, "export", str(file)).exit_code == 0
    copy_keys(full.services, empty)
    done = run(empty, monkeypatch, "import", str(file), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["contact"] == 5
    assert list(empty.registry.transfer.lines()) == list(full.services.registry.transfer.lines())
    assert stored(empty) == stored(full.services)
    assert answers(empty) == answers(full.services)
    assert len({json.loads(answer)["status"] for answer in answers(empty)}) > 2


def test_no_secret_and_no_erased_address_is_in_the_file(full: World) -> None:
    text = "\n".join(full.services.registry.transfer.lines())
    keys = json.loads((full.services.settings.data_dir / FILE_NAME).read_text())
    assert not any(key in text for key in keys.values())
    assert "gone" not in text.lower()
    assert OPTED_OUT not in text


def test_without_the_old_keys_nothing_is_imported_since_stops_would_be_lost(full: World, empty: Services) -> None:
    with pytest.raises(Exception, match=FILE_NAME) as refused:
        empty.registry.transfer.load(full.services.registry.transfer.lines(), SYSTEM)
    assert getattr(refused.value, "code", None) == "other_contact_keys"
    assert empty.registry.find_contacts().items == []


def test_a_registry_that_holds_something_is_never_mixed_with_another(
    full: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "whole"
    exported = run(full.services, monkeypatch, "export", "--whole")
    file.write_text(exported.stdout, encoding="utf-8")
    before = list(full.services.registry.transfer.lines())
    done = run(full.services, monkeypatch, "import", str(file))
    assert done.exit_code != 0
    assert getattr(done.exception, "code", None) == "registry_not_empty" or "empty workspace" in done.output
    assert list(full.services.registry.transfer.lines()) == before


@pytest.mark.parametrize("damage", ["not json", '{"table": "api_key", "row": {}}', '{"table": "contact", "row": {}}'])
def test_a_damaged_file_is_refused_by_line_and_leaves_nothing(full: World, empty: Services, damage: str) -> None:
    lines = list(full.services.registry.transfer.lines())
    copy_keys(full.services, empty)
    with pytest.raises(Exception, match="Line 4 ") as refused:
        empty.registry.transfer.load([*lines[:3], damage, *lines[3:]], SYSTEM)
    assert getattr(refused.value, "code", None) == "invalid_registry_file"
    with pytest.raises(Exception, match="version 9"):
        empty.registry.transfer.load(['{"earshot_registry": 9, "keys": {}}'], SYSTEM)
    assert len(list(empty.registry.transfer.lines())) == 1


def test_a_list_is_checked_and_given_back_with_answers(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("email,note\njana@bakery.example,a\nnew@elsewhere.example,b\n", encoding="utf-8")
    done = run(world.services, monkeypatch, "check", str(file), "--team", "research")
    assert done.exit_code == 0
    heading, jana, new = done.stdout.splitlines()
    assert heading.startswith("email,note,eligibility,")
    assert "cooling_down" in jana
    assert new.startswith("new@elsewhere.example,b,eligible,unknown_person")
    assert "2 rows: 1 cooling down, 1 unknown person" in done.stderr


def test_a_reservation_passes_over_a_rule_only_with_its_id_and_a_reason(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("reserve", "jana@bakery.example", "--team", "research")
    refused = run(world.services, monkeypatch, *asked)
    assert refused.exit_code == 3
    said = run(world.services, monkeypatch, "check", "jana@bakery.example", "--team", "research").stdout
    rule = said.split("(rule ")[1].split(")")[0]
    done = run(world.services, monkeypatch, *asked, "--override", rule, "--reason", "She asked us to call back.")
    assert done.exit_code == 0
    assert world.services.registry.list_reservations()[0].overridden == [rule]
