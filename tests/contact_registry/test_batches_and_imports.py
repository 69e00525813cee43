from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contact_registry.batches import BatchNotEligible
from contact_registry.repeats import RequestKey
from contact_registry.schemas import MAX_BATCH, BatchCheckIn, BatchReserveIn
from contact_registry.schemas_imports import ImportIn, ImportOut
from contact_registry.schemas_people import EraseIn
from core.errors import Conflict, TooLarge
from tests.contact_registry.registry_world import ACCOUNT1, CRM, GAP30, RegistryWorld, new_registry, question

CALL = {"at": "2026-03-05T14:00:00Z", "team": "sales", "channel": "phone", "purpose": "sales_call"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RegistryWorld]:
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    world.put_rules(GAP30)
    yield world
    world.database.close()


def check_all(world: RegistryWorld, *items: dict[str, Any], mode: str = "sequential") -> list[Any]:
    asked = {"mode": mode, "defaults": question(), "items": list(items)}
    return world.registry.batch_check(BatchCheckIn.model_validate(asked), CRM).items


def run_import(world: RegistryWorld, *rows: dict[str, Any], **fields: Any) -> ImportOut:
    return world.registry.imports.run(ImportIn.model_validate({"rows": list(rows), **fields}), CRM)


def test_ten_people_of_a_company_with_one_slot_are_one_eligible_person(world: RegistryWorld) -> None:
    world.put_rules(ACCOUNT1)
    account = world.add_account()
    people = [world.add_contact(f"c{n}@corp.example", account=account) for n in range(10)]
    items = [{"contact": contact} for contact in people]
    assert [one.decision for one in check_all(world, *items)] == ["eligible"] + ["ineligible"] * 9
    assert {one.decision for one in check_all(world, *items, mode="independent")} == {"eligible"}
    assert world.rows() == []


def test_what_colleagues_had_before_and_what_the_list_takes_share_the_limit_of_their_company(
    world: RegistryWorld,
) -> None:
    """The log of a company is left unread where, with all that the list may add, it stays too short to matter."""
    world.put_rules({**ACCOUNT1, "max": 3})
    account = world.add_account()
    before, two, one = (
        [world.add_contact(name="Somebody", account=account) for _ in range(count)] for count in (2, 2, 1)
    )
    for contact in before:
        world.book(contact=contact)
    assert [item.decision for item in check_all(world, {"contact": one[0]})] == ["eligible"]
    listed = [{"contact": contact} for contact in (*two, *one)]
    assert [item.decision for item in check_all(world, *listed[:2])] == ["eligible", "ineligible"]
    assert [item.decision for item in check_all(world, *listed, mode="independent")] == ["eligible"] * 3
    world.book(contact=two[0])
    assert [item.decision for item in check_all(world, {"contact": one[0]})] == ["ineligible"]


def test_a_bad_item_spoils_only_itself(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    answers = check_all(
        world,
        {"contact": contact},
        {"email": " Jane@Corp.Example "},
        {"email": "nope"},
        {"contact": "missing"},
        {"email": "new@corp.example", "team": "nobody"},
        {"email": "new@corp.example", "colour": "red"},
    )
    assert [one.status for one in answers] == [200, 200, 422, 404, 422, 422]
    assert [one.error for one in answers[2:]] == ["invalid_email", "contact_not_found", "unknown_team", "invalid_input"]
    assert (answers[0].decision, answers[1].duplicate_of) == ("eligible", 0)


def test_a_batch_has_at_most_a_thousand_items(world: RegistryWorld) -> None:
    with pytest.raises(TooLarge):
        check_all(world, *({"email": f"c{n}@corp.example"} for n in range(MAX_BATCH + 1)))


def reserve_all(world: RegistryWorld, *contacts: str, atomic: bool = False, key: str | None = None) -> Any:
    items = [{"contact": contact} for contact in contacts]
    asked = BatchReserveIn.model_validate({"atomic": atomic, "defaults": question(), "items": items})
    request = None if key is None else RequestKey(CRM.id, key, "POST", "/reservations:batch", {})
    return world.registry.batch_reserve(asked, CRM, request)


def test_an_atomic_batch_takes_all_or_none(world: RegistryWorld) -> None:
    world.put_rules(ACCOUNT1)
    account = world.add_account()
    jane, joe = (world.add_contact(f"{name}@corp.example", account=account) for name in ("jane", "joe"))
    for _ in range(2):
        with pytest.raises(BatchNotEligible) as refused:
            reserve_all(world, jane, joe, atomic=True, key="K1")
        assert [one["status"] for one in refused.value.extra["items"]] == [424, 409]
    assert world.rows() == []
    assert world.actions().count("reservation.created") == 0
    other = world.add_contact("ann@home.example")
    assert [one.status for one in reserve_all(world, jane, other, atomic=True).items] == [201, 201]


def test_otherwise_each_item_stands_alone_and_a_repeat_does_nothing(world: RegistryWorld) -> None:
    jane, joe = world.add_contact("jane@corp.example"), world.add_contact("joe@corp.example")
    world.book(contact=joe)
    first = reserve_all(world, jane, joe, "missing", key="K2")
    assert [one.status for one in first.items] == [201, 409, 404]
    assert reserve_all(world, jane, joe, "missing", key="K2") == first
    assert len(world.rows()) == 2


def test_importing_twice_is_importing_once(world: RegistryWorld) -> None:
    ann = {"email": "ann@corp.example", "external_id": "crm-1", **CALL}
    bob = {"email": "bob@corp.example", "external_id": "crm-2", **CALL, "status": "held"}
    first = run_import(world, ann, {**ann, "email": "Ann@Corp.example"}, bob, {"email": "not an address"})
    assert [row.outcome for row in first.rows] == ["created", "duplicate_in_file", "created", "error"]
    assert (first.rows[3].error, first.counts["created"]) == ("invalid_email", 2)
    again = run_import(world, ann, {**bob, "status": "cancelled"})
    assert [row.outcome for row in again.rows] == ["unchanged", "updated"]
    stats = world.registry.conflicts.stats()
    assert (stats.contacts, stats.touchpoints, stats.live_touchpoints) == (2, 2, 1)


def test_a_dry_run_says_what_would_happen_and_keeps_nothing(world: RegistryWorld) -> None:
    seen = run_import(world, {"email": "ann@corp.example", "external_id": "crm-1", **CALL}, dry_run=True)
    assert (seen.id, [row.outcome for row in seen.rows]) == (None, ["created"])
    assert world.registry.conflicts.stats().contacts == 0
    assert "import.done" not in world.actions()


def test_rows_of_erased_people_are_counted_and_not_stored(world: RegistryWorld) -> None:
    world.registry.erasure.erase(world.add_contact("c1@corp.example"), EraseIn(), CRM)
    done = run_import(world, {"email": "C1@corp.example", "name": "Carla", **CALL}, {"email": "c9@corp.example"})
    assert [row.outcome for row in done.rows] == ["suppressed", "contact_only"]
    assert done.rows[0].model_dump(exclude={"row", "outcome"}, exclude_none=True) == {}
    assert world.registry.conflicts.stats().contacts == 1


def test_a_day_without_a_time_and_what_a_row_lacks(world: RegistryWorld) -> None:
    dated = {"email": "ann@corp.example", "date": "2026-03-05", "team": "sales", "channel": "phone", "purpose": "call"}
    done = run_import(
        world, dated, {"email": "bob@corp.example", "at": CALL["at"]}, {"email": "x@corp.example", "date": "03/04/2026"}
    )
    assert [row.outcome for row in done.rows] == ["created", "error", "error"]
    assert [row.error for row in done.rows[1:]] == ["missing_field", "invalid_input"]
    assert str(world.rows()[0].on_date) == "2026-03-05"


def test_a_whole_import_can_be_undone_and_done_again(world: RegistryWorld) -> None:
    ann = {"email": "ann@corp.example", "external_id": "crm-1", **CALL}
    first = run_import(world, ann)
    second = run_import(world, {**ann, "status": "no_show"})
    assert second.id is not None
    assert first.id is not None
    world.registry.imports.undo(second.id, CRM)
    assert [row.status for row in world.rows()] == ["completed"]
    world.registry.imports.undo(first.id, CRM)
    assert [row.status for row in world.rows()] == ["voided"]
    with pytest.raises(Conflict):
        world.registry.imports.undo(first.id, CRM)
    assert run_import(world, ann).rows[0].outcome == "created"


def test_imported_history_flags_bookings_ahead(world: RegistryWorld) -> None:
    planned = world.book(contact=world.add_contact("ann@corp.example"))
    done = run_import(world, {"email": "ann@corp.example", **CALL, "at": "2026-04-28T10:00:00Z"})
    assert done.new_conflicts == [planned.id]


def test_what_an_undone_import_restores_belongs_to_whoever_that_person_is_now(world: RegistryWorld) -> None:
    ann, bob = {"email": "ann@corp.example", **CALL}, {"email": "bob@corp.example", **CALL}
    first = run_import(world, {**ann, "external_id": "crm-1"}, {**ann, "external_id": "crm-2", "channel": "email"})
    second = run_import(world, {**bob, "external_id": "crm-1"}, {**bob, "external_id": "crm-2", "channel": "email"})
    was, survivor = first.rows[0].contact, world.add_contact("carl@corp.example")
    assert was is not None
    world.registry.merging.merge(survivor, was, CRM)
    world.registry.imports.undo(second.id or "", CRM)
    assert {row.contact_id for row in world.rows()} == {survivor}


def test_an_undone_import_gives_nothing_back_to_somebody_erased(world: RegistryWorld) -> None:
    first = run_import(world, {"email": "ann@corp.example", "external_id": "crm-1", **CALL})
    second = run_import(world, {"email": "bob@corp.example", "external_id": "crm-1", **CALL})
    assert first.rows[0].contact is not None
    world.registry.erasure.erase(first.rows[0].contact, EraseIn(), CRM)
    world.registry.imports.undo(second.id or "", CRM)
    assert [row.contact_id for row in world.rows()] == [second.rows[0].contact]
