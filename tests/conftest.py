"""One world for the tests that only read it, a fresh copy for those that change it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.pages.world import World, build_world, copy_of


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> World:
    """What every world begins with; closed, so that its folder can be copied."""
    world = build_world(tmp_path_factory.mktemp("seed"))
    world.close()
    return world


@pytest.fixture(scope="session")
def shared_world(seed: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = copy_of(seed, tmp_path_factory.mktemp("shared"))
    yield world
    world.close()


@pytest.fixture(scope="session")
def member(shared_world: World) -> TestClient:
    return shared_world.member()


@pytest.fixture
def world(seed: World, tmp_path: Path) -> Iterator[World]:
    world = copy_of(seed, tmp_path / "data")
    yield world
    world.close()


@pytest.fixture
def idle_world(seed: World, tmp_path: Path) -> Iterator[World]:
    """A world in which nothing is processed: interviews stay as they were received."""
    world = copy_of(seed, tmp_path / "data", works=False)
    yield world
    world.close()
