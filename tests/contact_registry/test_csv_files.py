from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from contact_registry.csv_tables import read_table, safe_cell, write_table
from contact_registry.local_times import read_time
from contact_registry.schemas import BatchDefaults
from contact_registry.schemas_imports import MAX_ROWS, HistoryFile
from contact_registry.schemas_people import EraseIn
from core.errors import InvalidInput, TooLarge
from tests.contact_registry.registry_world import CRM, GAP30, RegistryWorld, new_registry, question


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RegistryWorld]:
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    world.put_rules(GAP30)
    yield world
    world.database.close()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1250", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(encoding: str, delimiter: str) -> None:
    lines = [["name", "email"], ["Jiří Žluťoučký", "jiri@corp.example"], ["Ludmila Řeháčková", "lida@corp.example"]]
    content = "\r\n".join(delimiter.join(line) for line in lines).encode(encoding)
    table = read_table(content)
    assert (table.columns, table.rows, table.delimiter) == (lines[0], lines[1:], delimiter)
    assert table.recognised() == {"name": 0, "email": 1}


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty_file"), (b" \n ", "empty_file"), (b"a\0b\0", "unreadable_csv")]
)
def test_what_is_no_table_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_table(content)
    assert refused.value.code == code


def test_a_file_has_at_most_ten_thousand_rows() -> None:
    with pytest.raises(TooLarge):
        read_table(b"email\n" + b"a@corp.example\n" * (MAX_ROWS + 1))


@pytest.mark.parametrize("cell", ["=1+1", "+420", "-1", "@x", "\tx", "  =x", "a\n=b"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert all(line.startswith("'") for line in safe_cell(cell).split("\n") if line != "a")
    assert read_table(write_table(["a", "b"], [[cell, "x"]])).rows[0][0] == safe_cell(cell)
    assert read_table(write_table(["a", "b"], [[cell, "x"]], for_spreadsheet=False)).rows[0][0] == cell


def test_ambiguous_dates_are_never_guessed() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_time("03/04/2026", "UTC")
    assert refused.value.code == "ambiguous_date"
    assert read_time("03/04/2026", "UTC", "dmy") == date(2026, 4, 3)
    assert read_time("03/04/2026", "UTC", "mdy") == date(2026, 3, 4)
    assert str(read_time("2026-07-01 14:30", "Europe/Prague")) == "2026-07-01 12:30:00+00:00"
    assert str(read_time("1.7.2026 14:30", "Europe/Prague", "dmy")) == "2026-07-01 12:30:00+00:00"


def test_a_checked_file_comes_back_with_answers_behind_its_own_columns(world: RegistryWorld) -> None:
    jane = world.add_contact("jane@corp.example")
    world.book(contact=jane)
    content = b'Company;E-mail\nAcme;jane@corp.example\n=Bad;new@corp.example\n"A;B"; New@corp.example\nC;nope\n'
    answer, file = world.registry.files.check(content, BatchDefaults.model_validate(question(team="sales")), CRM)
    assert (answer.delimiter, answer.email_column) == (";", "E-mail")
    assert answer.counts == {"cooling_down": 1, "duplicate": 1, "error": 1, "unknown_person": 1}
    table = read_table(file)
    assert table.columns[:3] == ["Company", "E-mail", "eligibility"]
    cells = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert (cells[0]["matched_contact"], cells[0]["next_eligible_at"]) == (jane, "2026-06-09T10:00:00Z")
    assert "Research" in cells[0]["reason"]
    assert (cells[1]["Company"], cells[1]["eligibility"]) == ("'=Bad", "eligible")
    assert (cells[2]["duplicate_of_row"], cells[3]["status"]) == ("2", "invalid_email")


def test_a_file_without_addresses_is_refused_with_its_columns(world: RegistryWorld) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.registry.files.check(b"who,what\na,b\n", BatchDefaults(), CRM)
    assert (refused.value.code, refused.value.extra["columns"]) == ("no_email_column", ["who", "what"])
    answer, _ = world.registry.files.check(
        b"who,what\na@corp.example,b\n", BatchDefaults.model_validate(question()), CRM, email_column="who"
    )
    assert answer.counts == {"unknown_person": 1}


def test_history_comes_in_as_a_file_and_tells_every_row(world: RegistryWorld) -> None:
    world.registry.erasure.erase(world.add_contact("eva@corp.example"), EraseIn(), CRM)
    content = (
        b"email,date,team,channel,purpose,status,id\n"
        b"ann@corp.example,2026-03-05,sales,phone,call,held,1\n"
        b"bob@corp.example,2026-03-05T14:00,sales,phone,call,,2\n"
        b"eva@corp.example,2026-03-05,sales,phone,call,,3\n"
        b"cid@corp.example,03/04/2026,sales,phone,call,,4\n"
    )
    done = world.registry.files.import_file(content, CRM, HistoryFile(tz="Europe/Prague", file_name="calls.csv"))
    assert [row.outcome for row in done.rows] == ["created", "created", "suppressed", "error"]
    assert done.rows[3].error == "ambiguous_date"
    assert sorted((str(row.on_date), str(row.at)) for row in world.rows()) == [
        ("2026-03-05", "2026-03-05 00:00:00+00:00"),
        ("None", "2026-03-05 13:00:00+00:00"),
    ]
    assert done.id is not None
    told = read_table(world.registry.files.outcome_file(done.id))
    assert told.columns[:8] == ["email", "date", "team", "channel", "purpose", "status", "id", "row"]
    assert told.rows[0][:9] == ["ann@corp.example", "2026-03-05", "sales", "phone", "call", "held", "1", "1", "created"]
    assert told.rows[2][:10] == [*[""] * 7, "3", "suppressed", ""], "of somebody erased nothing is kept"
    assert told.rows[3][:10] == [*content.decode().splitlines()[4].split(","), "4", "error", "ambiguous_date"]
    again = world.registry.files.import_file(content, CRM, HistoryFile(tz="Europe/Prague"))
    assert again.counts == {"error": 1, "suppressed": 1, "unchanged": 2}


def outcome(world: RegistryWorld, import_id: str | None) -> str:
    assert import_id is not None
    return world.registry.files.outcome_file(import_id).decode()


def test_the_lines_of_an_imported_file_are_forgotten_with_their_person_and_after_a_week(world: RegistryWorld) -> None:
    content = b"email,note,date,team,channel,purpose\nann@corp.example,tall,2026-03-05,sales,phone,call\n"
    content += b"bob@corp.example,short,soon,sales,phone,call\nBOB+x@corp.example,wrong,2026-03-05,sales,phone,call\n"
    done = world.registry.files.import_file(content, CRM, HistoryFile())
    assert "tall" in outcome(world, done.id)
    assert done.rows[0].contact is not None
    world.registry.erasure.erase(done.rows[0].contact, EraseIn(), CRM)
    assert "tall" not in outcome(world, done.id)
    assert "short" in outcome(world, done.id)
    world.registry.erasure.erase(world.registry.contact_by_email("bob+x@corp.example").id, EraseIn(), CRM)
    assert "short" not in outcome(world, done.id), "the same mailbox without its tag, in a row that was wrong"
    late = world.registry.files.import_file(content, CRM, HistoryFile())
    assert late.counts == {"error": 1, "suppressed": 2}
    assert "tall" not in outcome(world, late.id)
    assert "short" not in outcome(world, late.id)
    kept = world.registry.files.import_file(b"email,note\ncid@corp.example,young\n", CRM, HistoryFile())
    world.set_clock("2026-05-07T09:00:00+00:00")
    world.registry.lists.forget_old()
    assert "young" in outcome(world, kept.id)
    world.set_clock("2026-05-08T09:01:00+00:00")
    world.registry.lists.forget_old()
    assert outcome(world, kept.id).splitlines()[1].startswith("1,contact_only")
