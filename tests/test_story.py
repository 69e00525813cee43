"""The main job on real parts: the sample workspace is loaded, heard, embedded and searched, and a person reserved.

Real: container, Whisper (the practice model), voices, all-MiniLM-L6-v2, FAISS, full text, migrations.
"""

from collections.abc import Iterator

import pytest

from app import samples
from app.services import Services
from app.wiring import build_parts, build_services
from contact_registry.actor import Actor
from contact_registry.answers import NotEligible
from contact_registry.schemas import ReserveIn
from core.settings import Settings
from ingest.fakes import InlineJobs
from ingest.schemas import InterviewOut
from search.values import SearchRequest, SearchResult


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    services = build_services(Settings(data_dir=tmp_path_factory.mktemp("story") / "data"))
    samples.load(services)
    jobs = InlineJobs(build_parts(services))
    for interview in services.ingest.list_interviews(limit=200).items:
        jobs.enqueue(interview.id)
    yield services
    services.search.close()
    services.database.close()


def _interview(services: Services, title: str) -> InterviewOut:
    return next(one for one in services.ingest.list_interviews(limit=200).items if one.title == title)


def _first(services: Services, query: str) -> SearchResult:
    return services.search.search(SearchRequest(query)).results[0]


def test_everything_is_ready(services: Services) -> None:
    found = services.ingest.list_interviews(limit=200).items
    assert {one.status.value for one in found} == {"ready"}, [one.error for one in found]


def test_a_moment_is_found_that_says_it_in_other_words(services: Services) -> None:
    first = _first(services, "customers are annoyed by repeated emails")
    assert first.interview.external_id == "2026-02-knocking-from-five-sides"
    assert "emails" not in first.text
    assert first.start_ms is not None
    assert first.speakers


def test_the_recording_is_written_down_with_times_and_voices(services: Services) -> None:
    heard = _interview(services, "First year with the ordering tool")
    assert heard.transcribed_by is not None
    assert "practice" in heard.transcribed_by
    segments = services.ingest.segments(heard.id)
    assert len({segment.speaker for segment in segments}) == 2
    assert all(segment.words for segment in segments)
    times = [segment.start_ms for segment in segments if segment.start_ms is not None]
    assert times == sorted(times)
    first = _first(services, "exports that spreadsheets cannot read")
    assert first.interview.id == heard.id
    path, media_type = services.ingest.recording(heard.id)
    assert path.stat().st_size > 100_000
    assert media_type == "audio/ogg"


def test_a_second_team_is_refused_a_second_later(services: Services) -> None:
    asked = {"email": "gareth.doyle@fernhill.example", "channel": "video_call", "purpose": "interview"}
    actor = Actor(id="test", source="test")
    services.registry.reserve(ReserveIn.model_validate({**asked, "team": "research"}), actor)
    with pytest.raises(NotEligible) as refused:
        services.registry.reserve(ReserveIn.model_validate({**asked, "team": "sales"}), actor)
    assert "Research" in refused.value.message
    assert refused.value.extra["next_eligible_at"]
