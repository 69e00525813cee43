from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from contact_registry.answers import NotEligible
from contact_registry.repeats import RequestKey
from contact_registry.schemas import OverrideIn, QuestionIn, ReserveIn, TouchpointOut
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, PreconditionFailed
from tests.contact_registry.registry_world import (
    ACCOUNT1,
    CRM,
    GAP30,
    NOW,
    RegistryWorld,
    new_registry,
    question,
    refs,
)

REASON = "Customer asked us to ring back about the outage"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RegistryWorld]:
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    world.put_rules(GAP30)
    yield world
    world.database.close()


def test_another_team_a_second_later_hears_who_when_and_from_which_date_on(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    held = world.reserve(contact=contact)
    world.set_clock("2026-05-01T09:00:01Z")
    with pytest.raises(NotEligible) as refused:
        world.reserve(contact=contact, team="sales", at="2026-05-12T10:00:00Z")
    (reason,) = refused.value.extra["reasons"]
    assert reason["blocking"][0]["team"] == "research"
    assert reason["blocking"][0]["touchpoint"] == held.id
    assert reason["clears_at"] == refused.value.extra["next_eligible_at"] == "2026-06-09T10:00:00Z"
    assert refused.value.extra["may_improve_at"] == "2026-05-01T09:15:00Z"
    assert "Research" in refused.value.message


def test_a_new_workspace_has_sensible_rules(tmp_path: Path) -> None:
    world = new_registry(f"sqlite:///{tmp_path / 'fresh.db'}", tmp_path)
    contact = world.add_contact("jane@corp.example")
    world.book(contact=contact)
    answer = world.check(contact=contact, at="2026-06-01T10:00:00Z", team="sales")
    assert (answer.policy_version, refs(answer.reasons)) == (0, ["gap30"])
    assert len(world.registry.rules.active().sentences) == 3
    world.database.close()


def test_a_hold_ends_at_its_expiry_and_not_before(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    world.reserve(contact=contact, ttl="PT15M")
    world.set_clock("2026-05-01T09:14:59.999+00:00")
    with pytest.raises(NotEligible):
        world.reserve(contact=contact, team="sales")
    world.set_clock("2026-05-01T09:15:00+00:00")
    assert world.reserve(contact=contact, team="sales").status == "reserved"


def test_confirming_in_time_keeps_the_claim_and_too_late_frees_it(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    held = world.reserve(contact=contact)
    assert world.registry.confirm(held.id, CRM).status == "planned"
    assert world.registry.confirm(held.id, CRM).status == "planned"
    other = world.reserve(contact=world.add_contact("joe@corp.example"))
    world.set_clock("2026-05-01T09:15:00+00:00")
    with pytest.raises(Conflict) as late:
        world.registry.confirm(other.id, CRM)
    assert late.value.code == "reservation_expired"


@pytest.mark.parametrize("ttl", ["PT0S", "PT72H1S", "P1M", "fifteen minutes", "-PT5M"])
def test_a_hold_lasts_longer_than_nothing_and_at_most_three_days(world: RegistryWorld, ttl: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.reserve(contact=world.add_contact("jane@corp.example"), ttl=ttl)
    assert refused.value.code == "invalid_ttl"


def test_a_released_person_is_free_at_once(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    held = world.reserve(contact=contact)
    assert world.registry.release(held.id, CRM).status == "cancelled"
    assert world.registry.release(held.id, CRM).status == "cancelled"
    assert world.book(contact=contact, team="sales").status == "planned"
    assert world.actions(held.id) == ["reservation.created", "reservation.released"]


def test_a_booking_moves_unless_its_new_time_is_refused(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    first = world.book(contact=contact)
    second = world.book(contact=contact, at="2026-07-01T10:00:00Z")
    moved = world.registry.reschedule(first.id, NOW + timedelta(days=11), CRM, revision=1)
    assert (moved.at, moved.revision) == (NOW + timedelta(days=11), 2)
    with pytest.raises(NotEligible):
        world.registry.reschedule(second.id, NOW + timedelta(days=20), CRM)
    assert world.registry.get_touchpoint(second.id).at.isoformat() == "2026-07-01T10:00:00+00:00"
    with pytest.raises(PreconditionFailed):
        world.registry.reschedule(first.id, NOW + timedelta(days=12), CRM, revision=1)


def test_the_past_cannot_be_claimed_or_asked_about(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    for call in (world.check, world.reserve, world.book):
        with pytest.raises(InvalidInput) as refused:
            call(contact=contact, at="2026-05-01T08:59:59.999Z")
        assert refused.value.code == "at_in_past"


def test_a_team_nobody_knows_is_refused(world: RegistryWorld) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.check(email="jane@corp.example", team="nobody")
    assert refused.value.code == "unknown_team"


def test_an_unknown_address_is_eligible_and_a_claim_puts_it_on_file(world: RegistryWorld) -> None:
    answer = world.check(email="new@corp.example")
    assert (answer.decision, answer.badge, answer.contact) == ("eligible", "unknown_person", None)
    held = world.reserve(email="New@corp.example")
    assert held.contact is not None
    assert world.registry.contact_by_email("new@CORP.example").id == held.contact
    assert world.actions(held.id) == ["reservation.created"]


def test_a_refused_claim_puts_nobody_on_file(world: RegistryWorld) -> None:
    world.put_rules(
        {"id": "shut", "kind": "blackout", "ranges": [{"from_date": "2026-05-01", "to_date": "2026-06-01"}]}
    )
    with pytest.raises(NotEligible):
        world.reserve(email="new@corp.example")
    assert world.registry.conflicts.stats().contacts == 0


def test_a_contact_nobody_has_on_file_is_not_found(world: RegistryWorld) -> None:
    with pytest.raises(NotFound):
        world.check(contact="con_missing")


def test_an_override_passes_only_the_rules_it_names(world: RegistryWorld) -> None:
    cap = {"id": "cap1", "kind": "frequency_cap", "max": 1, "window": "P90D", "applies_to": {}, "counts": {}}
    world.put_rules(GAP30, cap)
    contact = world.add_contact("jane@corp.example")
    world.record(contact=contact, at="2026-04-20T10:00:00Z")
    with pytest.raises(NotEligible) as refused:
        world.book(contact=contact, override={"refs": ["gap30"], "reason": REASON})
    assert refs(refused.value.extra["reasons"]) == ["cap1"]
    passed = world.book(contact=contact, override={"refs": ["cap1", "gap30"], "reason": REASON})
    assert passed.overridden == ["gap30", "cap1"]
    (row,) = [row for row in world.rows() if row.id == passed.id]
    assert row.overrides is not None
    assert (row.overrides["by"], row.overrides["reason"], row.overrides["policy_version"]) == (CRM.id, REASON, 2)


def test_an_override_needs_a_reason_and_a_permission(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    with pytest.raises(InvalidInput) as refused:
        world.book(contact=contact, override={"refs": ["gap30"], "reason": "   ok   "})
    assert refused.value.code == "override_reason_required"
    asked = ReserveIn.model_validate(question(contact=contact, override={"refs": ["gap30"], "reason": REASON}))
    nobody = type(CRM)(id="key_guest", source="guest", may_override=False)
    with pytest.raises(Forbidden):
        world.registry.reserve(asked, nobody)


def test_a_repeated_request_gets_the_first_answer_and_does_nothing_twice(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    asked = ReserveIn.model_validate(question(contact=contact))

    def send(key: str, body: dict[str, object]) -> tuple[TouchpointOut, bool]:
        request = RequestKey(CRM.id, key, "POST", "/reservations", body)
        return world.registry.reserve(asked, CRM, request), request.replayed

    first, was_replayed = send("K1", {"contact": contact})
    world.set_clock("2026-05-01T12:00:00+00:00")
    again, is_replayed = send("K1", {"contact": contact})
    assert (first, was_replayed, is_replayed) == (again, False, True)
    with pytest.raises(InvalidInput) as reused:
        send("K1", {"contact": "somebody else"})
    assert reused.value.code == "idempotency_key_reused"
    assert len(world.rows()) == 1


def test_a_lost_race_stays_lost_for_its_key(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    held = world.reserve(contact=contact)
    asked = ReserveIn.model_validate(question(contact=contact, team="sales"))
    for _ in range(2):
        with pytest.raises(NotEligible) as refused:
            world.registry.reserve(asked, CRM, RequestKey(CRM.id, "K2", "POST", "/reservations", {}))
        assert refused.value.extra["checked_at"] == "2026-05-01T09:00:00Z"
        world.registry.release(held.id, CRM)
        world.set_clock("2026-05-01T10:00:00+00:00")
    with pytest.raises(InvalidInput):  # 422 is not kept: mended, the same key may be sent again
        world.registry.reserve(
            ReserveIn.model_validate(question(contact=contact, team="nobody")),
            CRM,
            RequestKey(CRM.id, "K3", "POST", "/reservations", {"team": "nobody"}),
        )
    mended = RequestKey(CRM.id, "K3", "POST", "/reservations", {"team": "sales"})
    assert world.registry.reserve(asked, CRM, mended).status == "reserved"


def test_an_external_id_is_claimed_once_for_ever(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    first = world.book(contact=contact, external_id="crm-1")
    assert world.book(contact=contact, external_id="crm-1").id == first.id


def test_facts_are_stored_judged_and_never_refused(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    planned = world.book(contact=contact, at="2026-05-20T10:00:00Z")
    fact = world.record(contact=contact, at="2026-04-28T10:00:00Z", team="support")
    assert (fact.violations, fact.new_conflicts) == (["gap30"], [planned.id])
    assert [one.touchpoint.id for one in world.registry.conflicts.list_open()] == [planned.id]
    world.registry.cancel(planned.id, CRM)
    assert world.registry.conflicts.list_open() == []


def test_a_fact_lies_behind_us_give_or_take_five_minutes(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    assert world.record(contact=contact, at="2026-05-01T09:05:00Z").status == "completed"
    with pytest.raises(InvalidInput) as refused:
        world.record(contact=contact, at="2026-05-01T09:05:00.001Z")
    assert refused.value.code == "completed_in_future"


def test_a_fact_sent_again_corrects_the_first_or_changes_nothing(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    first = world.record(contact=contact, at="2026-04-28T10:00:00Z", external_id="crm-9")
    same = world.record(contact=contact, at="2026-04-28T10:00:00Z", external_id="crm-9")
    mended = world.record(contact=contact, at="2026-04-28T10:00:00Z", external_id="crm-9", status="no_show")
    assert (same.id, same.revision) == (first.id, 1)
    assert (mended.id, mended.revision, mended.status) == (first.id, 2, "no_show")
    assert world.actions(first.id) == ["touchpoint.recorded", "touchpoint.corrected"]


def test_a_day_without_a_time_counts_whole(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example", tz="Europe/Prague")
    fact = world.record(contact=contact, date="2026-04-20")
    assert str(fact.date) == "2026-04-20"
    assert str(world.check(contact=contact).next_eligible_at) == "2026-05-20 22:00:00+00:00"


@pytest.mark.parametrize(
    ("outcome", "then"), [("completed", "no_show"), ("no_show", "completed"), ("completed", "voided")]
)
def test_outcomes_are_told_and_corrected(world: RegistryWorld, outcome: str, then: str) -> None:
    planned = world.book(contact=world.add_contact("jane@corp.example"))
    with pytest.raises(InvalidInput):
        world.registry.set_outcome(planned.id, "completed", CRM)
    world.set_clock("2026-05-10T11:00:00+00:00")
    assert world.registry.set_outcome(planned.id, outcome, CRM).status == outcome
    assert world.registry.set_outcome(planned.id, then, CRM).status == then


def test_what_took_place_cannot_be_called_off(world: RegistryWorld) -> None:
    fact = world.record(contact=world.add_contact("jane@corp.example"), at="2026-04-28T10:00:00Z")
    with pytest.raises(Conflict) as refused:
        world.registry.cancel(fact.id, CRM)
    assert refused.value.code == "invalid_transition"


def test_a_company_limit_counts_colleagues_and_flags_their_bookings(world: RegistryWorld) -> None:
    world.put_rules(ACCOUNT1)
    account = world.add_account()
    jane, joe = (world.add_contact(f"{name}@corp.example", account=account) for name in ("jane", "joe"))
    planned = world.book(contact=jane)
    with pytest.raises(NotEligible) as refused:
        world.book(contact=joe, team="sales")
    assert refused.value.extra["badge"] == "limit_reached"
    fact = world.record(contact=joe, at="2026-04-28T10:00:00Z", team="sales")
    assert fact.new_conflicts == [planned.id]


def test_the_check_says_which_zone_it_used(world: RegistryWorld) -> None:
    account = world.add_account(tz="America/New_York")
    contact = world.add_contact("jane@corp.example", account=account)
    answer = world.registry.check(QuestionIn.model_validate(question(contact=contact)), CRM)
    assert (answer.tz.name, answer.tz.source) == ("America/New_York", "account")


def test_live_reservations_are_listed_soonest_expiry_first(world: RegistryWorld) -> None:
    late = world.reserve(contact=world.add_contact("jane@corp.example"), ttl="PT30M")
    soon = world.reserve(contact=world.add_contact("joe@corp.example"), ttl="PT5M", team="sales")
    assert [one.id for one in world.registry.list_reservations()] == [soon.id, late.id]
    world.set_clock("2026-05-01T09:05:00+00:00")
    assert [one.id for one in world.registry.list_reservations()] == [late.id]


def test_an_override_can_move_a_booking_into_a_cool_down(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    first = world.book(contact=contact)
    second = world.book(contact=contact, at="2026-07-01T10:00:00Z")
    override = OverrideIn(refs=["gap30"], reason=REASON)
    moved = world.registry.reschedule(second.id, NOW + timedelta(days=20), CRM, override)
    assert moved.overridden == ["gap30"]
    assert moved.new_conflicts == [first.id]
