"""The index on disk is derived: whatever happens to it, answers come from what the database holds."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from search.faiss_index import FaissIndexes
from search.fakes import FakeVectorIndexes
from search.ports import VectorIndexes
from search.values import SearchRequest
from tests.search.factories import Workshop

FILE = "cells.index"

CRASHING = """
import os, signal, sys
from pathlib import Path
import search.index_keeper as keeper
from search.faiss_index import FaissIndexes
from tests.search.factories import Workshop

workshop = Workshop(Path(sys.argv[1]), FaissIndexes(), save_after=1)
workshop.add("the first invoice")
assert workshop.service.status().indexed == 1

def die(folder, contents):
    os.kill(os.getpid(), signal.SIGKILL)

def die_half_way(folder, contents):
    (Path(sys.argv[1]) / "index" / ".writing-half").write_bytes(b"earshot index 4\\n{")
    die(folder, contents)

keeper.IndexFolder.write = {"before parts are named": die, "half way": die_half_way}[sys.argv[2]]
workshop.add("the second invoice")
print("still alive")
"""


def found(workshop: Workshop, query: str = "invoice") -> set[str]:
    return {
        result.text.removeprefix("Ann: ")
        for result in workshop.service.search(SearchRequest(query, "semantic", 50)).results
    }


@pytest.mark.parametrize("moment", ["before parts are named", "half way"])
def test_a_process_killed_between_commit_and_index_file_loses_nothing(tmp_path: Path, moment: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CRASHING, str(tmp_path), moment],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert "still alive" not in ended.stdout
    assert (tmp_path / "index" / FILE).exists()
    after = Workshop(tmp_path, FaissIndexes())
    assert found(after) == {"the first invoice", "the second invoice"}
    assert after.service.status().indexed == 2
    after.database.close()


def test_a_restart_reads_the_file_and_the_changes_after_it(workshop: Workshop) -> None:
    first = workshop.add("the first invoice")
    workshop.add("the second invoice")
    workshop.service.status()
    workshop.service.close()
    workshop.add("the third invoice")
    workshop.delete(first)
    again = workshop.restart()
    assert found(again) == {"the second invoice", "the third invoice"}
    assert again.keeper.count == 2
    again.database.close()


def test_a_restart_without_changes_reads_no_interview_from_the_database(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.add("the first invoice")
    workshop.service.status()
    workshop.service.close()
    monkeypatch.setattr("search.repository.load_indexed", None)
    again = workshop.restart()
    assert found(again) == {"the first invoice"}
    again.database.close()


def flip_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(bytes(content))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def put_text(file: Path) -> None:
    file.write_text("earshot index 4\nthis is no header\n")


def put_older_format(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"earshot index 4", b"earshot index 3"))


def change_generation(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"gen_', b'"gex_'))


@pytest.mark.parametrize(
    "damage", [flip_a_byte, cut, empty, put_text, put_older_format, change_generation, Path.unlink]
)
def test_a_missing_damaged_or_foreign_file_is_made_anew(workshop: Workshop, damage: Callable[[Path], None]) -> None:
    workshop.add("the first invoice")
    workshop.add("the second invoice")
    workshop.service.status()
    workshop.service.close()
    damage(workshop.folder / "index" / FILE)
    again = workshop.restart()
    assert found(again) == {"the first invoice", "the second invoice"}
    again.database.close()


def test_an_index_of_another_kind_is_not_read(workshop: Workshop) -> None:
    workshop.add("the first invoice")
    workshop.service.status()
    workshop.service.close()
    again = workshop.restart(indexes=FaissIndexes())
    assert found(again) == {"the first invoice"}
    again.database.close()


def test_what_another_process_writes_is_found_by_the_next_question(workshop: Workshop) -> None:
    other = workshop.restart()
    first = other.add("the first invoice")
    assert found(workshop) == {"the first invoice"}
    other.add("the second invoice")
    assert found(workshop) == {"the first invoice", "the second invoice"}
    other.delete(first)
    assert found(workshop) == {"the second invoice"}
    other.database.close()


def test_the_file_is_written_after_enough_changes(workshop: Workshop) -> None:
    saving = workshop.restart(save_after=10)
    file = workshop.folder / "index" / FILE
    saving.service.status()
    saving.add_each(*[f"text {n}" for n in range(9)])
    assert not file.exists()
    saving.add("one more")
    assert file.exists()
    saving.database.close()


@pytest.mark.parametrize("indexes", [FakeVectorIndexes(), FaissIndexes(), FaissIndexes(flat_windows=1)])
def test_an_index_larger_than_its_memory_is_mapped_and_goes_on_changing(tmp_path: Path, indexes: VectorIndexes) -> None:
    texts = [f"invoice number {number}" for number in range(8)]
    before = Workshop(tmp_path, indexes, memory_bytes=0)
    ids = before.add_each(*texts, "the zeppelin invoice")
    before.service.status()
    before.keeper.wait()
    before.service.close()
    mapped = before.restart(memory_bytes=0)
    assert found(mapped) == {*texts, "the zeppelin invoice"}
    mapped.delete(ids[-1])
    mapped.add("another invoice")
    assert found(mapped) == {*texts, "another invoice"}
    mapped.keeper.wait()
    mapped.service.close()
    again = mapped.restart(memory_bytes=0)
    assert found(again) == {*texts, "another invoice"}
    assert not [file for file in (tmp_path / "index").iterdir() if b"zeppelin" in file.read_bytes()]


def test_only_parts_that_changed_are_written_and_none_is_left_over(workshop: Workshop) -> None:
    workshop.add_each(*[f"a long talk about invoices {number}" for number in range(20)])
    workshop.service.status()
    workshop.service.close()
    parts = {file.name: file.stat().st_mtime_ns for file in (workshop.folder / "index").glob("*.part")}
    workshop.add("one more")
    workshop.service.status()
    workshop.service.close()
    now = {file.name: file.stat().st_mtime_ns for file in (workshop.folder / "index").glob("*.part")}
    assert set(parts.items()) & set(now.items()), "a block that did not change was written again"
    contents = json.loads((workshop.folder / "index" / FILE).read_bytes().splitlines()[2])
    assert set(now) == {*contents["blocks"], *contents["vectors"]}


def test_a_folder_that_cannot_be_written_costs_only_the_file(workshop: Workshop) -> None:
    (workshop.folder / "index").write_text("in the way")
    workshop.add("the first invoice")
    workshop.service.status()
    workshop.service.close()
    assert found(workshop) == {"the first invoice"}


def test_a_database_put_back_from_a_backup_is_believed_not_the_file(workshop: Workshop) -> None:
    workshop.add("the first invoice")
    with (
        closing(sqlite3.connect(workshop.folder / "earshot.db")) as source,
        closing(sqlite3.connect(workshop.folder / "backup.db")) as backup,
    ):
        source.backup(backup)
    workshop.add("the second invoice")
    workshop.service.status()
    workshop.service.close()
    workshop.database.close()
    for left in workshop.folder.glob("earshot.db*"):
        left.unlink()
    (workshop.folder / "backup.db").rename(workshop.folder / "earshot.db")
    again = workshop.restart()
    assert found(again) == {"the first invoice"}
    assert again.keeper.count == 1
    again.database.close()
