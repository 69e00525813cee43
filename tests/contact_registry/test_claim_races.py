"""Real processes on one SQLite file: one contact, one slot, exactly one winner, every time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contact_registry.tables import Contact
from tests.contact_registry.racing import Race, Runners, UnlockedDatabase
from tests.contact_registry.registry_world import ACCOUNT1, CRM, GAP30, RegistryWorld, new_registry, question

RUNNERS = 3
TEAMS = ("research", "sales", "support")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RegistryWorld]:
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    world.put_rules(GAP30)
    yield world
    world.database.close()


@pytest.fixture(scope="module")
def runners() -> Iterator[Runners]:
    runners = Runners(RUNNERS)
    yield runners
    runners.close()


def race_of(world: RegistryWorld, tmp_path: Path, claims: list[list[dict[str, Any]]], **options: Any) -> Race:
    return Race(url=world.database.url, folder=tmp_path, claims=claims, **options)


def claims_by_contact(contacts: list[str]) -> list[list[dict[str, Any]]]:
    return [[question(contact=contact, team=team) for contact in contacts] for team in TEAMS]


def assert_one_winner_each(world: RegistryWorld, rounds: list[list[int]]) -> None:
    expected = [[201] + [409] * (RUNNERS - 1)] * len(rounds)
    assert [sorted(statuses) for statuses in rounds] == expected
    assert len(world.rows()) == len(rounds)
    assert world.actions().count("reservation.created") == len(rounds)


def test_of_several_processes_reserving_one_contact_exactly_one_wins(
    world: RegistryWorld, tmp_path: Path, runners: Runners
) -> None:
    contacts = [world.add_contact(f"c{number}@corp.example") for number in range(100)]
    rounds = runners.run(race_of(world, tmp_path, claims_by_contact(contacts)))
    assert_one_winner_each(world, rounds)


@pytest.mark.slow
def test_five_hundred_rounds_have_five_hundred_winners(world: RegistryWorld, tmp_path: Path, runners: Runners) -> None:
    contacts = [world.add_contact(f"c{number}@corp.example") for number in range(500)]
    rounds = runners.run(race_of(world, tmp_path, claims_by_contact(contacts)))
    assert_one_winner_each(world, rounds)


def test_without_the_lock_the_same_race_books_twice(world: RegistryWorld, tmp_path: Path, runners: Runners) -> None:
    """The negative control: if this mistake were not caught here, the tests above would prove nothing."""
    contacts = [world.add_contact(f"c{number}@corp.example") for number in range(30)]
    race = race_of(world, tmp_path, claims_by_contact(contacts), make_database=UnlockedDatabase, pause_s=0.02)
    rounds = runners.run(race)
    assert any(statuses.count(201) > 1 for statuses in rounds)


def test_spellings_of_one_address_meet_on_one_contact(world: RegistryWorld, tmp_path: Path, runners: Runners) -> None:
    for number in range(20):
        world.add_contact(f"jane.d{number}@gmail.com")
    spelled = ("jane.d{}@gmail.com", "JaneD{}+x@googlemail.com", " janed{}@GMAIL.com ")
    claims = [[question(email=form.format(number)) for number in range(20)] for form in spelled]
    assert_one_winner_each(world, runners.run(race_of(world, tmp_path, claims)))


def test_a_new_address_typed_by_several_teams_becomes_one_contact(
    world: RegistryWorld, tmp_path: Path, runners: Runners
) -> None:
    claims = [[question(email=f"new{number}@corp.example", team=team) for number in range(20)] for team in TEAMS]
    assert_one_winner_each(world, runners.run(race_of(world, tmp_path, claims)))
    assert world.registry.conflicts.stats().contacts == 20


def test_colleagues_claimed_at_once_share_the_limit_of_their_company(
    world: RegistryWorld, tmp_path: Path, runners: Runners
) -> None:
    world.put_rules(ACCOUNT1)
    claims: list[list[dict[str, Any]]] = [[] for _ in range(RUNNERS)]
    for number in range(20):
        account = world.add_account(f"a{number}")
        for runner in range(RUNNERS):
            contact = world.add_contact(f"c{number}-{runner}@corp.example", account=account)
            claims[runner].append(question(contact=contact, team=TEAMS[runner]))
    assert_one_winner_each(world, runners.run(race_of(world, tmp_path, claims)))


def test_two_ids_of_one_merged_person_have_one_slot(world: RegistryWorld, tmp_path: Path, runners: Runners) -> None:
    claims: list[list[dict[str, Any]]] = [[] for _ in range(RUNNERS)]
    for number in range(20):
        kept = world.add_contact(f"a{number}@corp.example")
        gone = world.add_contact(f"b{number}@corp.example")
        world.registry.merging.merge(kept, gone, CRM)
        for runner, contact in enumerate((kept, gone, kept)):
            claims[runner].append(question(contact=contact))
    assert_one_winner_each(world, runners.run(race_of(world, tmp_path, claims)))
    with world.database.read() as session:
        assert session.get_one(Contact, gone).merged_into == kept
