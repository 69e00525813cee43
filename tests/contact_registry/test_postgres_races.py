"""Every race again on PostgreSQL, with connections at READ COMMITTED and the database's clock."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contact_registry.repository.locks import Locks
from contact_registry.schemas import BatchReserveIn
from contact_registry.schemas_people import SuppressionIn
from contact_registry.schemas_rules import ActivateIn, DraftIn
from core.clock import SystemClock
from core.errors import AppError
from tests.contact_registry.postgres_world import (
    AHEAD,
    THREADS,
    AdvisoryLocks,
    ExistingRowsLocks,
    NoLocks,
    at_once,
    claim,
    lock_in_the_same_statement,
    new_postgres_registry,
    statuses,
    with_mistake,
)
from tests.contact_registry.registry_world import ACCOUNT1, CRM, GAP30, RegistryWorld, question

pytestmark = pytest.mark.postgres
ROUNDS = 15


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[RegistryWorld]:
    world = new_postgres_registry(url, tmp_path)
    world.put_rules(GAP30)
    yield world
    world.database.close()


ONE_WINNER = [201] + [409] * (THREADS - 1)


def test_of_several_claims_of_one_contact_exactly_one_wins(world: RegistryWorld) -> None:
    for number in range(ROUNDS):
        contact = world.add_contact(f"c{number}@corp.example")
        assert statuses(at_once([claim(world, contact=contact)] * THREADS)) == ONE_WINNER
    assert len(world.rows()) == world.actions().count("reservation.created") == ROUNDS


def test_spellings_of_one_address_and_new_addresses_meet_on_one_contact(world: RegistryWorld) -> None:
    for number in range(ROUNDS):
        world.add_contact(f"jane.d{number}@gmail.com")
        spelled = [f"jane.d{number}@gmail.com", f"JaneD{number}+x@googlemail.com"] * (THREADS // 2)
        assert statuses(at_once([claim(world, email=email) for email in spelled])) == ONE_WINNER
        new = [claim(world, email=f"new{number}@corp.example")] * THREADS
        assert statuses(at_once(new)) == ONE_WINNER
    assert world.registry.conflicts.stats().contacts == 2 * ROUNDS


def test_colleagues_claimed_at_once_share_the_limit_of_their_company(world: RegistryWorld) -> None:
    world.put_rules(ACCOUNT1)
    for number in range(ROUNDS):
        account = world.add_account(f"a{number}")
        people = [world.add_contact(f"c{number}-{n}@corp.example", account=account) for n in range(THREADS)]
        assert statuses(at_once([claim(world, contact=one) for one in people])) == ONE_WINNER


def test_two_ids_of_one_merged_person_have_one_slot(world: RegistryWorld) -> None:
    for number in range(ROUNDS):
        kept, gone = (world.add_contact(f"{name}{number}@corp.example") for name in ("a", "b"))
        world.registry.merging.merge(kept, gone, CRM)
        jobs = [claim(world, contact=one) for one in (kept, gone) * (THREADS // 2)]
        assert statuses(at_once(jobs)) == ONE_WINNER


@pytest.mark.parametrize(
    ("locks", "isolation", "same_statement"),
    [
        (NoLocks(), "READ COMMITTED", False),
        (ExistingRowsLocks(), "READ COMMITTED", False),
        (NoLocks(), "READ COMMITTED", True),
        (AdvisoryLocks(), "REPEATABLE READ", False),
        (Locks(), "REPEATABLE READ", False),
    ],
    ids=["no-lock", "existing-rows", "same-statement", "advisory-repeatable-read", "row-repeatable-read"],
)
def test_the_races_catch_each_of_the_five_strategies_that_fail(
    world: RegistryWorld, tmp_path: Path, locks: Locks, isolation: str, same_statement: bool
) -> None:
    wrong = with_mistake(world, tmp_path, locks, isolation)
    changed = lock_in_the_same_statement(wrong.database) if same_statement else []
    winners = []
    for number in range(20):
        contact = world.add_contact(f"c{number}@corp.example")
        winners.append(statuses(at_once([claim(wrong, contact=contact)] * THREADS)).count(201))
        if winners[-1] > 1:
            break
    wrong.database.close()
    assert max(winners) > 1
    assert bool(changed) == same_statement


def test_no_claim_succeeds_after_an_opt_out_was_answered(world: RegistryWorld) -> None:
    for number in range(ROUNDS):
        email = f"c{number}@corp.example"
        contact = world.add_contact(email)
        sent = SuppressionIn.model_validate({"subject": {"email": email}, "source": "opt_out"})
        jobs: list[Any] = [claim(world, contact=contact)] * 3
        jobs.append(partial(world.registry.stops.suppress, sent, CRM))
        answers = at_once(jobs)
        stopped = answers.pop()
        assert not isinstance(stopped, AppError)
        for held in answers:
            assert isinstance(held, AppError) or held.created_at <= stopped.created_at
            assert isinstance(held, AppError) or stopped.new_conflicts == [held.id]
        assert statuses(at_once([claim(world, contact=contact)])) == [409]


def test_no_claim_is_judged_by_old_rules_once_new_ones_are_in_force(world: RegistryWorld) -> None:
    for number in range(ROUNDS):
        people = [world.add_contact(f"c{number}-{n}@corp.example") for n in range(3)]
        world.registry.rules.put_draft(DraftIn(policies=[GAP30]), CRM)
        jobs: list[Any] = [claim(world, contact=one) for one in people]
        jobs.append(lambda: world.registry.rules.activate(ActivateIn(), CRM))
        *held, active = at_once(jobs)
        for one in held:
            assert one.policy_version == active.version or one.created_at <= active.activated_at


def test_a_merge_during_claims_leaves_one_booking_or_lists_both(world: RegistryWorld) -> None:
    for number in range(ROUNDS):
        kept, gone = (world.add_contact(f"{name}{number}@corp.example") for name in ("a", "b"))
        jobs: list[Any] = [claim(world, contact=kept), claim(world, contact=gone)]
        jobs.append(partial(world.registry.merging.merge, kept, gone, CRM))
        first, second, merged = at_once(jobs)
        won = [one.id for one in (first, second) if not isinstance(one, AppError)]
        assert len(won) == 1 or sorted(merged.new_conflicts) == sorted(won)


def test_two_confirms_are_one_change(world: RegistryWorld) -> None:
    for number in range(ROUNDS):
        held = world.reserve(contact=world.add_contact(f"c{number}@corp.example"), at=AHEAD.isoformat())
        confirm = [partial(world.registry.confirm, held.id, CRM)] * THREADS
        assert {one.status for one in at_once(confirm)} == {"planned"}
        assert world.actions(held.id).count("reservation.confirmed") == 1


def _until(moment: float, call: Any) -> Any:
    time.sleep(max(0.0, moment - time.time()))
    return call()


def test_at_its_expiry_a_hold_is_confirmed_or_taken_by_another_never_both(world: RegistryWorld) -> None:
    for number in range(5):
        contact = world.add_contact(f"c{number}@corp.example")
        held = world.reserve(contact=contact, at=AHEAD.isoformat(), ttl="PT0.3S")
        assert held.expires_at is not None
        wait = partial(_until, held.expires_at.timestamp() - 0.002)
        confirm = partial(wait, partial(world.registry.confirm, held.id, CRM))
        take = partial(wait, claim(world, contact=contact))
        answers = at_once([confirm, take, take])
        assert sum(not isinstance(one, AppError) for one in answers) <= 1


def test_batches_in_opposite_orders_never_deadlock_towards_the_caller(world: RegistryWorld) -> None:
    for number in range(ROUNDS):
        people = [world.add_contact(f"c{number}-{n}@corp.example") for n in range(6)]
        orders = [people, people[::-1], people[3:] + people[:3]]
        new = [{"email": f"n{number}-{n}@corp.example"} for n in range(3)]
        asked = [
            BatchReserveIn.model_validate(
                {
                    "defaults": question(at=AHEAD.isoformat()),
                    "items": [{"contact": one} for one in order] + (new if turn % 2 else new[::-1]),
                }
            )
            for turn, order in enumerate(orders)
        ]
        answers = at_once([partial(world.registry.batch_reserve, one, CRM) for one in asked])
        assert not [one for one in answers if isinstance(one, AppError)]
        won = [item.contact for one in answers for item in one.items if item.status == 201]
        assert len(won) == len(set(won)) == 9


def test_the_databases_clock_decides_not_the_applications(url: str, world: RegistryWorld, tmp_path: Path) -> None:
    class WrongClock(SystemClock):
        def now(self) -> Any:
            return super().now().replace(year=2001)

    held = world.reserve(contact=world.add_contact("c@corp.example"), at=AHEAD.isoformat())
    skewed = with_mistake(world, tmp_path, Locks())
    other = type(skewed.registry)(skewed.database, WrongClock(), skewed.registry.workplace.settings)
    assert other.confirm(held.id, CRM).status == "planned"
    skewed.database.close()
