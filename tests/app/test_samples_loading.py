from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app import samples
from app.services import Services
from contact_registry.actor import SYSTEM
from contact_registry.schemas import QuestionIn
from core.clock import SettableClock
from core.migrate import migrate
from tests.pages.world import build_services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    services = build_services(tmp_path, works=False)
    migrate(services.database)
    yield services
    services.search.close()
    services.database.close()


def _decision(services: Services, email: str) -> str:
    question = QuestionIn(
        email=email, at=services.clock.now(), team="research", channel="video_call", purpose="interview"
    )
    return services.registry.check(question, SYSTEM).badge


def test_the_samples_are_loaded_once(services: Services) -> None:
    assert samples.load_if_empty(services) is True
    count = len(services.ingest.list_interviews(limit=200).items)
    assert count >= 7
    assert samples.load_if_empty(services) is False
    assert len(services.ingest.list_interviews(limit=200).items) == count


def test_the_sample_contacts_are_as_their_page_says(services: Services) -> None:
    samples.load(services)
    assert _decision(services, "gareth.doyle@fernhill.example") == "eligible"
    assert _decision(services, "marta@fernhill-rota.example") == "cooling_down"
    assert _decision(services, "dirk.hansen@nordlicht.example") == "do_not_contact"


def test_a_reset_begins_the_history_again_and_keeps_what_people_added(services: Services) -> None:
    samples.load(services)
    assert isinstance(services.clock, SettableClock)
    services.clock.set(services.clock.now() + timedelta(days=60))
    assert _decision(services, "marta.lindqvist@fernhill.example") == "eligible"
    before = len(services.ingest.list_interviews(limit=200).items)
    assert samples.reset(services) == before
    assert len(services.ingest.list_interviews(limit=200).items) == before
    assert _decision(services, "marta.lindqvist@fernhill.example") == "cooling_down"
