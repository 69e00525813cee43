"""Long lists: answered as short ones are, whoever ends in between, and forgotten."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import contact_registry.list_work as list_work
from contact_registry.actor import Actor
from contact_registry.csv_tables import read_table
from contact_registry.schemas import BatchCheckIn, BatchDefaults
from contact_registry.schemas_imports import HistoryFile, ImportIn
from contact_registry.schemas_lists import JobOut
from contact_registry.schemas_people import EraseIn
from contact_registry.schemas_rules import SimulateIn
from core.errors import AppError, Conflict, Gone, NotFound
from tests.contact_registry.registry_world import ACCOUNT1, CRM, GAP30, RegistryWorld, new_registry, question

OTHER = Actor(id="key_other", source="other")
BLIND = Actor(id="key_blind", source="blind", hides_contacts=True)
HISTORY_HEAD = "email,note,date,team,channel,purpose,id\n"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegistryWorld]:
    """A registry that answers two rows at a time."""
    monkeypatch.setattr(list_work, "CHECKED_AT_ONCE", 2)
    monkeypatch.setattr(list_work, "IMPORTED_AT_ONCE", 2)
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    world.put_rules(GAP30, ACCOUNT1)
    yield world
    world.database.close()


def people_of_one_company(world: RegistryWorld) -> list[dict[str, Any]]:
    """Return seven items: of a company with a limit of one three people, one of them twice, and others."""
    acme = world.add_account()
    for name in ("ann", "bob", "cid"):
        world.add_contact(f"{name}@corp.example", account=acme)
    busy = world.add_contact("busy@shop.example")
    world.book(contact=busy)
    emails = [
        "ann@corp.example",
        "busy@shop.example",
        "bob@corp.example",
        "ANN@corp.example",
        "nobody@",
        "cid@corp.example",
    ]
    return [{"email": email} for email in (*emails, "new+a@shop.example", "new@shop.example")]


def work_by_many(world: RegistryWorld) -> int:
    """Let each piece be answered by a process that ends right after it; return how many there were."""
    count = 0
    while world.registry.list_worker().step():
        count += 1
    return count


def work_by_one(world: RegistryWorld) -> int:
    world.registry.list_worker().finish()
    return 1


def result(world: RegistryWorld, job: JobOut, owner: str | None = CRM.id) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads("".join(world.registry.lists.result(job.id, owner)))
    return answer


WAYS = pytest.mark.parametrize("work", [work_by_one, work_by_many])
Way = Callable[[RegistryWorld], int]


@WAYS
@pytest.mark.parametrize("mode", ["sequential", "independent"])
def test_a_long_batch_check_answers_as_a_short_one(world: RegistryWorld, work: Way, mode: str) -> None:
    items = people_of_one_company(world)
    asked = BatchCheckIn.model_validate({"mode": mode, "defaults": question(), "items": items})
    job = world.registry.lists.check_items(asked, CRM)
    assert (job.status, job.rows, job.progress) == ("queued", 8, 0)
    work(world)
    done = world.registry.lists.get(job.id, CRM.id)
    assert (done.status, done.progress, done.rows_done) == ("done", 1, 8)
    short = world.registry.batch_check(asked, CRM).model_dump(mode="json")
    assert result(world, job) == short
    assert [item["decision"] for item in short["items"]].count("eligible") == (3 if mode == "sequential" else 5)


@WAYS
def test_what_a_company_had_and_what_earlier_pieces_take_share_its_limit(world: RegistryWorld, work: Way) -> None:
    world.put_rules({**ACCOUNT1, "max": 3})
    acme = world.add_account()
    before, people = ([world.add_contact(name="Somebody", account=acme) for _ in range(2)] for _ in range(2))
    for contact in before:
        world.book(contact=contact)
    items = [{"contact": people[0]}, {"email": "a@shop.example"}, {"contact": people[1]}]  # two rows are a piece
    asked = BatchCheckIn.model_validate({"defaults": question(), "items": items})
    job = world.registry.lists.check_items(asked, CRM)
    work(world)
    assert [item["decision"] for item in result(world, job)["items"]] == ["eligible", "eligible", "ineligible"]


@WAYS
def test_a_long_file_is_answered_as_a_short_one(world: RegistryWorld, work: Way) -> None:
    lines = ["note;email", *(f"n{number};{item['email']}" for number, item in enumerate(people_of_one_company(world)))]
    content = "\n".join(lines).encode()
    defaults = BatchDefaults.model_validate(question())
    job = world.registry.lists.check_file(content, defaults, CRM)
    work(world)
    short, file = world.registry.files.check(content, defaults, CRM)
    assert result(world, job) == short.model_dump(mode="json")
    assert short.suspected_duplicates, "of rows that stand in different pieces"
    assert "".join(world.registry.lists.result_csv(job.id, CRM.id)).encode() == file


@WAYS
def test_a_long_import_is_as_a_short_one_and_keeps_the_columns(world: RegistryWorld, work: Way) -> None:
    rows = [f"p{number}@corp.example,n{number},2026-03-0{number},sales,phone,call,{number}" for number in range(1, 6)]
    rows[2] = "no address,n3,2026-03-03,sales,phone,call,3"
    content = (HISTORY_HEAD + "\n".join([*rows, rows[0]])).encode()
    job = world.registry.lists.import_file(content, CRM, HistoryFile(file_name="calls.csv"))
    work(world)
    done = result(world, job)
    assert done["counts"] == {"created": 4, "duplicate_in_file": 1, "error": 1}
    assert done["id"] is not None
    assert len(world.rows()) == 4
    kept = world.registry.imports.get(done["id"])
    assert (kept.status, kept.counts, len(kept.rows)) == ("imported", done["counts"], 6)
    told = "".join(world.registry.lists.result_csv(job.id, CRM.id)).encode()
    assert told == world.registry.files.outcome_file(done["id"])
    assert read_table(told).rows[1][:9] == [*rows[1].split(","), "2", "created"]
    assert world.actions(done["id"]) == ["import.done"]
    again = world.registry.files.import_file(content, CRM, HistoryFile())
    assert again.counts == {"duplicate_in_file": 1, "error": 1, "unchanged": 4}


def test_a_dry_run_keeps_nothing_and_is_then_imported_once(world: RegistryWorld) -> None:
    rows = [{"email": f"p{n}@corp.example", **question(at=f"2026-03-0{n}T10:00:00Z")} for n in range(1, 6)]
    tried = world.registry.lists.import_rows(ImportIn(rows=rows, dry_run=True), CRM)
    with pytest.raises(Conflict):
        world.registry.lists.import_tried(tried.id, CRM, CRM.id)
    work_by_many(world)
    assert (result(world, tried)["counts"], world.rows()) == ({"created": 5}, [])
    first, second = (world.registry.lists.import_tried(tried.id, CRM, CRM.id) for _ in range(2))
    assert first.id == second.id
    work_by_one(world)
    assert (len(world.rows()), result(world, first)["counts"]) == (5, {"created": 5})


def test_an_import_under_way_is_not_undone(world: RegistryWorld) -> None:
    rows = [{"email": f"p{n}@corp.example", **question(at=f"2026-03-0{n}T10:00:00Z")} for n in range(1, 6)]
    job = world.registry.lists.import_rows(ImportIn(rows=rows), CRM)
    worker = world.registry.list_worker()
    worker.step()
    begun = world.registry.lists.get(job.id, CRM.id)
    assert (begun.status, begun.rows_done, len(world.rows())) == ("running", 2, 2)
    assert begun.import_id is not None
    with pytest.raises(Conflict, match="under way"):
        world.registry.imports.undo(begun.import_id, CRM)
    worker.finish()
    assert world.registry.imports.undo(begun.import_id, CRM).status == "undone"


@WAYS
def test_a_long_simulation_says_what_a_short_one_says(
    world: RegistryWorld, work: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        contact = world.add_contact(f"p{number}@corp.example", segments=["vip"] if number % 2 else [])
        world.book(contact=contact, at=f"2026-06-{20 - number}T10:00:00Z")
        world.record(contact=contact, at="2026-03-20T10:00:00Z")
    asked = SimulateIn.model_validate(
        {"policies": [GAP30 | {"gap": "P120D"}], "question": question(at="2026-05-02T10:00:00Z")}
    )
    short = world.registry.rules.simulate(asked)
    assert len(short.new_planned_conflicts) == 5
    monkeypatch.setattr("contact_registry.rules_service._CHUNK", 2)
    job = world.registry.lists.simulate(asked, CRM)
    work(world)
    found = result(world, job)
    assert {name: found[name] for name in short.model_dump(mode="json")} == short.model_dump(mode="json")


def test_one_answer_knows_one_set_of_rules(world: RegistryWorld) -> None:
    items = people_of_one_company(world)
    asked = BatchCheckIn.model_validate({"defaults": question(), "items": items})
    job = world.registry.lists.check_items(asked, CRM)
    worker = world.registry.list_worker()
    worker.step()
    version = world.put_rules(ACCOUNT1)
    worker.finish()
    answer = result(world, job)
    assert answer["policy_version"] == version
    assert answer == world.registry.batch_check(asked, CRM).model_dump(mode="json")
    world.registry.lists.check_items(asked, CRM)
    world.registry.list_worker().step()
    world.put_rules(GAP30)
    assert work_by_many(world) > 4, "by a process that did not see the rules change"


def test_only_its_owner_and_administrators_see_a_job(world: RegistryWorld) -> None:
    job = world.registry.lists.check_items(BatchCheckIn(items=[{"email": "a@b.example"}]), CRM)
    with pytest.raises(Conflict, match="still being worked on"):
        world.registry.lists.result(job.id, CRM.id)
    work_by_one(world)
    for read in (world.registry.lists.get, world.registry.lists.result, world.registry.lists.result_csv):
        with pytest.raises(NotFound):
            read(job.id, OTHER.id)
    assert world.registry.lists.get(job.id, None).id == job.id
    with pytest.raises(AppError, match="JSON"):
        world.registry.lists.result_csv(job.id, None)
    assert [one.id for one in world.registry.lists.recent(CRM.id)] == [job.id]
    assert world.registry.lists.recent(OTHER.id) == []


def test_a_caller_from_whom_contacts_are_hidden_is_not_told_by_a_job_either(world: RegistryWorld) -> None:
    items = people_of_one_company(world)
    content = "email\n" + "\n".join(item["email"] for item in items)
    job = world.registry.lists.check_file(content.encode(), BatchDefaults.model_validate(question()), BLIND)
    work_by_many(world)
    told = "".join(world.registry.lists.result(job.id, BLIND.id))
    told += "".join(world.registry.lists.result_csv(job.id, BLIND.id))
    assert "con_" not in told
    assert "unknown_person" not in told
    bound = Actor(id="key_sales", source="sales", bound_team="sales")
    other = world.registry.lists.check_items(BatchCheckIn(items=[question(email="a@b.example")]), bound)
    work_by_one(world)
    assert result(world, other, bound.id)["items"][0]["error"] == "other_team"


def test_erasing_somebody_forgets_the_lists_they_stand_in(world: RegistryWorld) -> None:
    jana = world.add_contact("jana+x@corp.example")
    with_her = BatchCheckIn(items=[{"email": "JANA@corp.example"}])
    ended = world.registry.lists.check_items(with_her, CRM)
    apart = world.registry.lists.check_items(BatchCheckIn(items=[{"email": "eva@corp.example"}]), CRM)
    work_by_one(world)
    waiting = world.registry.lists.check_items(with_her, CRM)
    world.registry.erasure.erase(jana, EraseIn(), CRM)
    for job in (ended, waiting):
        with pytest.raises(Gone):
            world.registry.lists.result(job.id, CRM.id)
    assert work_by_one(world)
    assert result(world, apart)["counts"] == {"error": 1}
    dump = "\n".join(world.database.engine.raw_connection().driver_connection.iterdump())  # type: ignore[union-attr]
    assert "jana" not in dump.lower()
    assert b"JANA".hex() not in dump.lower()


def test_jobs_are_forgotten_after_a_week(world: RegistryWorld) -> None:
    job = world.registry.lists.check_items(BatchCheckIn(items=[{"email": "a@b.example"}]), CRM)
    work_by_one(world)
    world.set_clock("2026-05-08T09:00:00+00:00")
    assert world.registry.lists.forget_old() == 0
    world.set_clock("2026-05-08T09:00:01+00:00")
    assert world.registry.lists.forget_old() == 1
    with pytest.raises(NotFound):
        world.registry.lists.get(job.id, CRM.id)


def test_a_job_over_which_processes_die_is_given_up(world: RegistryWorld) -> None:
    job = world.registry.lists.check_items(BatchCheckIn(items=[{"email": "a@b.example"}]), CRM)
    for _ in range(5):
        assert world.registry.list_worker()._take() is not None
    assert world.registry.list_worker().step() is False
    failed = world.registry.lists.get(job.id, CRM.id)
    assert failed.error is not None
    assert (failed.status, failed.error.code) == ("failed", "crashed_repeatedly")
    with pytest.raises(Conflict, match="again and again"):
        world.registry.lists.result(job.id, CRM.id)


def test_a_living_worker_keeps_its_job(world: RegistryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.registry.lists.check_items(BatchCheckIn(items=[{"email": "a@b.example"}]), CRM)
    first, second = world.registry.list_worker(), world.registry.list_worker()
    first.name = "elsewhere:1:wrk_a"
    assert first._take() is not None
    assert second.step() is False
    world.set_clock("2026-05-01T09:05:01+00:00")
    assert second.step() is True, "it has not been heard of for too long"
    assert second.step() is False


def test_somebody_has_only_so_many_lists_at_work(world: RegistryWorld) -> None:
    asked = BatchCheckIn(items=[{"email": "a@b.example"}])
    for _ in range(10):
        world.registry.lists.check_items(asked, CRM)
    with pytest.raises(Conflict) as refused:
        world.registry.lists.check_items(asked, CRM)
    assert refused.value.code == "too_many_jobs"
    world.registry.lists.check_items(asked, OTHER)
