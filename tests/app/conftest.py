"""A world as the page tests have it, and a program that calls its API with a key."""

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.main import create_app
from tests.pages.world import World


def api_of(world: World, name: str = "crm") -> TestClient:
    """Return a client that sends a fresh key of this name."""
    client = TestClient(create_app(world.services), raise_server_exceptions=False)
    _, secret = world.services.access.keys.create(NewKey(name), actor="test")
    client.headers["authorization"] = f"Bearer {secret}"
    return client


@pytest.fixture
def api(world: World) -> TestClient:
    return api_of(world)
