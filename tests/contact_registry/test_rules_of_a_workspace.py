from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contact_registry.schemas_rules import ActivateIn, DraftIn, PurposeIn, SimulateIn
from core.errors import Conflict, InvalidInput, NotFound
from tests.contact_registry.registry_world import CRM, GAP30, RegistryWorld, new_registry, question, refs

GAP60 = GAP30 | {"gap": "P60D"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RegistryWorld]:
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    world.put_rules(GAP30)
    yield world
    world.database.close()


def simulate(world: RegistryWorld, *policies: dict[str, Any], **fields: Any) -> Any:
    asked = {"policies": list(policies) or None, "question": question(**fields)}
    return world.registry.rules.simulate(SimulateIn.model_validate(asked))


def test_rules_go_from_draft_to_force_as_a_new_version(world: RegistryWorld) -> None:
    before = world.registry.rules.active()
    draft = world.registry.rules.put_draft(DraftIn(policies=[GAP60]), CRM)
    assert (draft.version, draft.base_version, draft.revision) == (before.version + 1, before.version, 1)
    assert world.registry.rules.active() == before
    active = world.registry.rules.activate(ActivateIn(base_version=before.version), CRM)
    assert (active.version, active.policies[0]["gap"]) == (before.version + 1, "P60D")
    assert world.registry.rules.draft().revision == 0
    assert [one.version for one in world.registry.rules.history()] == [2, 1]
    assert world.registry.rules.version(1).policies[0]["gap"] == "P30D"
    with pytest.raises(NotFound):
        world.registry.rules.version(9)


def test_a_draft_that_somebody_else_changed_is_not_overwritten(world: RegistryWorld) -> None:
    world.registry.rules.put_draft(DraftIn(policies=[GAP60], revision=0), CRM)
    with pytest.raises(Conflict) as refused:
        world.registry.rules.put_draft(DraftIn(policies=[GAP30], revision=0), CRM)
    assert refused.value.code == "draft_changed"


def test_a_draft_made_from_older_rules_is_not_put_in_force(world: RegistryWorld) -> None:
    world.registry.rules.put_draft(DraftIn(policies=[GAP60]), CRM)
    with pytest.raises(Conflict) as refused:
        world.registry.rules.activate(ActivateIn(base_version=0), CRM)
    assert refused.value.code == "policy_version_changed"
    world.registry.rules.activate(ActivateIn(), CRM)
    with pytest.raises(Conflict) as missing:
        world.registry.rules.activate(ActivateIn(), CRM)
    assert missing.value.code == "no_draft"


def test_a_rule_that_cannot_be_is_refused_with_its_field(world: RegistryWorld) -> None:
    vague = {"id": "vague", "kind": "min_gap", "gap": "P30D", "applies_to": {"teams": ["sales"]}}
    with pytest.raises(InvalidInput) as refused:
        world.registry.rules.put_draft(DraftIn(policies=[vague]), CRM)
    assert (refused.value.code, refused.value.extra["field"]) == ("counts_required", "counts")


def test_a_dry_run_tells_whom_and_what_new_rules_would_hit_and_writes_nothing(world: RegistryWorld) -> None:
    jane = world.add_contact("jane@corp.example", segments=["beta"])
    joe = world.add_contact("joe@corp.example")
    world.record(contact=jane, at="2026-04-01T10:00:00Z")
    planned = world.book(contact=joe)
    world.record(contact=joe, at="2026-04-01T09:00:00Z")
    found = simulate(world, GAP60)
    assert (found.newly_ineligible, found.newly_eligible) == ([jane], [])
    assert (found.new_planned_conflicts, found.population) == ([planned.id], 2)
    assert found.counts_by_segment == {"beta": {"newly_ineligible": 1}}
    assert simulate(world, GAP30).new_planned_conflicts == []
    assert world.registry.rules.active().version == 1
    assert world.registry.conflicts.list_open() == []


def test_new_rules_flag_the_bookings_they_refuse(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    world.record(contact=contact, at="2026-04-01T09:00:00Z")
    planned = world.book(contact=contact)
    world.put_rules(GAP60)
    (conflict,) = world.registry.conflicts.list_open()
    assert (conflict.touchpoint.id, conflict.cause, conflict.cause_id, conflict.refs) == (
        planned.id,
        "policy_change",
        "2",
        ["gap30"],
    )


def test_service_purposes_are_outside_rules_that_do_not_name_them(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    world.registry.rules.put_purpose("security_notice", PurposeIn.model_validate({"class": "service"}), CRM)
    world.book(contact=contact)
    notice = {"contact": contact, "purpose": "security_notice", "team": "it"}
    assert world.book(**notice).status == "planned"
    assert refs(world.check(contact=contact, at="2026-06-12T10:00:00Z").reasons) == []
    assert [one.id for one in world.registry.rules.purposes()] == ["security_notice"]


def test_decisions_say_which_version_they_used(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    assert world.check(contact=contact).policy_version == 1
    world.put_rules(GAP60)
    assert world.book(contact=contact).policy_version == 2
