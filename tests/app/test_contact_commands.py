"""`earshot contacts import | export | erase`, called as a shell calls them."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli
from contact_registry.actor import SYSTEM
from contact_registry.schemas_people import ContactIn
from core.errors import Gone, NotFound
from tests.pages.world import World

HISTORY = """email,date,channel,purpose,external_id
new@bakery.example,2026-04-01,email,survey,h-1
jana@bakery.example,2026-04-02,phone,interview,h-2
"""


@pytest.fixture
def earshot(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world, with the command line pointed at it."""
    for module in ("contacts", "contact_lists"):
        monkeypatch.setattr(f"app.cli.{module}.open_services", lambda: world.services)
    return world


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["contacts", *arguments], input=answer)


def history_file(folder: Path, text: str = HISTORY) -> str:
    file = folder / "history.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def exported(*arguments: str) -> dict[str, dict[str, str]]:
    done = run("export", *arguments)
    assert done.exit_code == 0
    return {row["id"]: row for row in csv.DictReader(io.StringIO(done.stdout))}


def test_a_file_of_history_is_imported_once(earshot: World, tmp_path: Path) -> None:
    file = history_file(tmp_path)
    first = run("import", file, "--team", "research", "--json")
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["counts"] == {"created": 2}
    again = run("import", file, "--team", "research", "--json")
    assert json.loads(again.stdout)["counts"] == {"unchanged": 2}
    assert earshot.services.registry.contact_by_email("new@bakery.example").name is None


def test_a_dry_run_says_what_would_happen_and_keeps_nothing(earshot: World, tmp_path: Path) -> None:
    done = run("import", history_file(tmp_path), "--team", "research", "--dry-run")
    assert done.exit_code == 0
    assert "2 created" in done.stdout
    with pytest.raises(NotFound):
        earshot.services.registry.contact_by_email("new@bakery.example")


def test_wrong_rows_are_named_and_the_others_are_taken(earshot: World, tmp_path: Path) -> None:
    text = HISTORY + "nobody,2026-04-03,email,survey,h-3\nother@bakery.example,03/04/2026,email,survey,h-4\n"
    done = run("import", history_file(tmp_path, text), "--team", "research")
    assert done.exit_code == 1
    assert "2 created" in done.stdout
    assert "row 3:" in done.stdout
    assert "row 4: This date may be read in two ways" in done.stdout


def test_a_date_is_read_in_the_order_that_is_told(earshot: World, tmp_path: Path) -> None:
    file = history_file(tmp_path, "email,date,channel,purpose\njana@bakery.example,03/04/2026,email,survey\n")
    assert run("import", file, "--team", "research", "--order", "dmy").exit_code == 0
    days = [touchpoint.date for touchpoint in earshot.services.registry.timeline(earshot.contact_id)]
    assert [str(day) for day in days if day] == ["2026-04-03"]
    assert run("import", file, "--order", "ymd").exit_code == 2


def test_a_file_that_is_not_there_is_told_in_a_sentence(earshot: World, tmp_path: Path) -> None:
    done = run("import", str(tmp_path / "none.csv"))
    assert done.exit_code == 1
    assert "No such file" in done.stderr


def test_the_export_holds_everybody_with_a_summary(earshot: World, tmp_path: Path) -> None:
    row = exported()[earshot.contact_id]
    assert row["emails"] == "jana@bakery.example"
    assert (row["touchpoints"], row["last_team"], row["last_channel"]) == ("1", "sales", "phone")
    assert row["last_at"].startswith("2026-05-02T12:00:00")
    assert row["next_at"] == ""
    file = tmp_path / "people.csv"
    assert run("export", str(file), "--bom").exit_code == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbfid,")


def test_no_cell_of_an_export_runs_as_a_formula_unless_raw_is_wanted(earshot: World) -> None:
    sent = ContactIn(name="=HYPERLINK(1)", emails=["x@bakery.example"], phones=["+420123456789"])
    contact = earshot.services.registry.add_contact(sent, SYSTEM).id
    safe, raw = exported()[contact], exported("--raw")[contact]
    assert (safe["name"], safe["phones"]) == ("'=HYPERLINK(1)", "'+420123456789")
    assert (raw["name"], raw["phones"]) == ("=HYPERLINK(1)", "+420123456789")


def test_erasing_asks_first(earshot: World) -> None:
    refused = run("erase", "jana@bakery.example", answer="n\n")
    assert refused.exit_code == 1
    assert earshot.services.registry.get_contact(earshot.contact_id).name == "Jana Malá"


def test_an_erased_person_is_gone_and_told_by_id_only(earshot: World) -> None:
    done = run("erase", "jana@bakery.example", "--yes")
    assert done.exit_code == 0
    assert "bakery" not in done.output
    with pytest.raises(Gone):
        earshot.services.registry.get_contact(earshot.contact_id)
    assert earshot.contact_id not in exported()
    again = run("erase", earshot.contact_id, "--yes", "--json")
    assert json.loads(again.stdout)["noop"] is True
