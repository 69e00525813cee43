"""A process that dies between its insert and its commit leaves nothing behind, and its key may be used again."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import Session

from contact_registry.repeats import RequestKey
from contact_registry.schemas import ReserveIn
from core.database import Database
from tests.contact_registry.registry_world import CRM, GAP30, RegistryWorld, new_registry, open_registry, question

DIED = 7


class DyingDatabase(Database):
    """Everything was written; the process ends before the commit."""

    @contextmanager
    def write(self) -> Iterator[Session]:
        with Session(self.writer_engine, expire_on_commit=False) as session:
            yield session
            session.flush()
            os._exit(DIED)


def reserve(world: RegistryWorld, contact: str) -> str:
    asked = ReserveIn.model_validate(question(contact=contact))
    return world.registry.reserve(asked, CRM, RequestKey(CRM.id, "K1", "POST", "/reservations", {})).id


def _die_while_reserving(url: str, folder: Path, contact: str) -> None:
    reserve(open_registry(url, folder, database=DyingDatabase(url)), contact)


def test_a_claim_that_dies_before_its_commit_never_was(tmp_path: Path) -> None:
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    world.put_rules(GAP30)
    contact = world.add_contact("jane@corp.example")
    context = multiprocessing.get_context("spawn")
    runner = context.Process(target=_die_while_reserving, args=(world.database.url, tmp_path, contact))
    runner.start()
    runner.join(timeout=60)
    assert runner.exitcode == DIED
    assert (world.rows(), world.actions().count("reservation.created")) == ([], 0)
    first = reserve(world, contact)
    assert reserve(world, contact) == first
    assert [row.id for row in world.rows()] == [first]
    world.database.close()
