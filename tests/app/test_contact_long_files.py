"""`earshot contacts check | import` with a file that is a job: answered as a short one, in here, and forgotten."""

import json
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

import app.cli.contact_jobs as contact_jobs
import contact_registry.csv_service as csv_service
import contact_registry.list_work as list_work
from app.cli import cli
from contact_registry.actor import Actor
from contact_registry.list_worker import ListWorker
from contact_registry.schemas import BatchCheckIn
from contact_registry.tables_of_lists import RegistryJob, RegistryJobInput, RegistryJobPart, RegistryJobPerson
from tests.pages.world import World

PEOPLE = "note,email\n" + "".join(
    f"n{number},{email}\n"
    for number, email in enumerate(
        ["jana@bakery.example", "new@bakery.example", "JANA@bakery.example", "nobody@", "new+1@bakery.example"]
    )
)
HISTORY = "email,date,channel,purpose,external_id\n" + "".join(
    f"p{number}@bakery.example,2026-04-0{number},email,survey,h-{number}\n" for number in range(1, 6)
)
RESEARCH = ("--team", "research")


@pytest.fixture
def earshot(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world, with the command line pointed at it and pieces of two rows."""
    for module in ("contacts", "contact_lists"):
        monkeypatch.setattr(f"app.cli.{module}.open_services", lambda: world.services)
    monkeypatch.setattr(list_work, "CHECKED_AT_ONCE", 2)
    monkeypatch.setattr(list_work, "IMPORTED_AT_ONCE", 2)
    monkeypatch.setattr(contact_jobs, "TURN_OF_OTHERS_S", 0)
    return world


@pytest.fixture
def long_from_four(monkeypatch: pytest.MonkeyPatch) -> None:
    take_as_long(monkeypatch, 3)


def take_as_long(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(csv_service, "MAX_ROWS", most)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["contacts", *arguments])


def file_of(folder: Path, text: str) -> str:
    file = folder / "people.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def rows_about_jobs(world: World) -> int:
    tables = (RegistryJob, RegistryJobInput, RegistryJobPart, RegistryJobPerson)
    with world.services.database.read() as session:
        return sum(len(session.exec(select(table)).all()) for table in tables)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_long_file_is_checked_as_a_short_one_and_nothing_of_it_is_kept(
    earshot: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]
) -> None:
    file = file_of(tmp_path, PEOPLE)
    short = run("check", file, *RESEARCH, *form)
    take_as_long(monkeypatch, 3)
    long = run("check", file, *RESEARCH, *form)
    assert (long.exit_code, long.exception) == (0, None)
    assert long.stdout == short.stdout
    assert "new@bakery.example" in long.stdout or form
    assert long.stderr == "2 of 5 rows\n4 of 5 rows\n5 of 5 rows\n" + short.stderr
    assert rows_about_jobs(earshot) == 0


@pytest.mark.usefixtures("long_from_four")
def test_a_long_history_is_imported_once_and_tried_before(earshot: World, tmp_path: Path) -> None:
    file = file_of(tmp_path, HISTORY + "p6@bakery.example,tomorrow,email,survey,h-6\n")
    tried = run("import", file, *RESEARCH, "--dry-run")
    assert tried.exit_code == 1
    assert "Nothing was kept. It would be: 5 created, 1 error" in tried.stdout
    done = run("import", file, *RESEARCH, "--json")
    answer = json.loads(done.stdout)
    assert answer["counts"] == {"created": 5, "error": 1}
    assert [row["outcome"] for row in answer["rows"]] == ["created"] * 5 + ["error"]
    assert "2 of 6 rows\n4 of 6 rows\n6 of 6 rows\n" in done.stderr
    assert json.loads(run("import", file, *RESEARCH, "--json").stdout)["counts"] == {"error": 1, "unchanged": 5}
    assert earshot.services.registry.imports.get(answer["id"]).status == "imported"
    assert rows_about_jobs(earshot) == 0


@pytest.mark.usefixtures("long_from_four")
def test_an_import_that_is_broken_off_leaves_what_it_brought_in_and_no_job(
    earshot: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, steps = ListWorker.step, []

    def interrupted(worker: ListWorker) -> bool:
        steps.append(worker)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return step(worker)

    monkeypatch.setattr(ListWorker, "step", interrupted)
    done = run("import", file_of(tmp_path, HISTORY), *RESEARCH)
    assert done.exit_code != 0
    assert "Broken off: 2 rows are in" in done.stderr
    (brought_in,) = earshot.services.registry.imports.recent()
    assert brought_in.status == "imported"
    assert earshot.services.registry.contact_by_email("p2@bakery.example").emails == ["p2@bakery.example"]
    assert rows_about_jobs(earshot) == 0


@pytest.mark.usefixtures("long_from_four")
def test_a_command_works_on_its_own_list_only(earshot: World, tmp_path: Path) -> None:
    items = [{"email": "a@b.example"}]
    asked = BatchCheckIn.model_validate(
        {"defaults": {"team": "research", "channel": "email", "purpose": "survey"}, "items": items}
    )
    waiting = earshot.services.registry.lists.check_items(asked, Actor(id="key_other", source="other"))
    assert run("check", file_of(tmp_path, PEOPLE), *RESEARCH).exit_code == 0
    assert earshot.services.registry.lists.get(waiting.id, None).status == "queued"
