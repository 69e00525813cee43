"""Withdrawal and erasure, on a migrated database: what was said is on the disk no more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.main import create_app
from contact_registry.actor import SYSTEM
from contact_registry.schemas_people import ContactIn
from core.directory import put_project
from core.errors import Conflict, Gone
from core.migrate import migrate
from core.visibility import ALL_SEEING
from ingest.schemas import InterviewStatus, RecordingIn
from search.values import SearchRequest
from tests.media_factory import beeps, write_recording
from tests.pages.world import World, build_services, example_interview

SECRET = "xylophonists"  # a word that nothing else of the workspace says
NAME = "Wilhelmina Quackenbush"


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[World]:
    """A world whose tables and words' index the migrations made."""
    services = build_services(tmp_path / "data")
    services.settings.data_dir.mkdir(exist_ok=True)
    migrate(services.database)
    with services.database.write() as session:
        put_project(session, "mail", "E-mail study", services.clock.now(), ALL_SEEING)
    kept = services.ingest.add_interview(example_interview(), "sample", "system", ALL_SEEING)
    world = World(services, kept, "")
    yield world
    world.close()


def send(world: World, **fields: Any) -> str:
    segments = [
        {"speaker": NAME, "start_ms": 0, "end_ms": 4_000, "text": f"Our {SECRET} rehearse in the cellar every night."},
        {"speaker": "Interviewer", "start_ms": 4_200, "end_ms": 9_000, "text": "And what do the neighbours say?"},
    ]
    given: dict[str, Any] = {
        "title": f"Talk with {NAME}",
        "external_id": "talk-7",
        "participants": [{"name": NAME, "email": "wq@cellar.example", "speaker": NAME}, "Interviewer"],
        "tags": ["noise"],
        "segments": segments,
        **fields,
    }
    return world.services.ingest.add_interview(example_interview(**given), "crm", "test", ALL_SEEING).id


def on_disk(world: World, word: str) -> list[str]:
    """Return the files of the workspace in which the word stands."""
    folder = world.services.settings.data_dir
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and word.encode().lower() in path.read_bytes().lower()
    ]


def found(world: World, query: str) -> list[str]:
    answer = world.services.search.search(SearchRequest(query, mode="keyword", viewer=ALL_SEEING))
    return [result.interview.id for result in answer.results]


def test_what_was_said_is_found_and_on_disk_no_more(migrated: World) -> None:
    interview = send(migrated)
    migrated.services.search.catch_up()
    migrated.services.search.close()
    assert found(migrated, SECRET) == [interview]
    assert "earshot.db" in " ".join(on_disk(migrated, SECRET))

    receipt = migrated.services.withdrawal.withdraw(interview, "participant_request", "usr_1", ALL_SEEING)

    assert found(migrated, SECRET) == []
    for word in (SECRET, SECRET[:6], NAME, "Quackenbush", "wq@cellar", "cellar every"):
        assert on_disk(migrated, word) == [], word
    assert receipt.counts == {
        "segments": 2,
        "passages": 1,
        "heard_windows": 0,
        "participants": 2,
        "tags": 1,
        "vectors": 1,
        "uploads": 0,
    }
    assert found(migrated, "mails") == [migrated.interview.id]  # everybody else's stays


def test_the_id_goes_on_answering_and_says_so(migrated: World) -> None:
    interview = send(migrated)
    receipt = migrated.services.withdrawal.withdraw(interview, "participant_request", "usr_1", ALL_SEEING)
    ingest = migrated.services.ingest
    after = ingest.get(interview, ALL_SEEING)
    assert (after.title, after.withdrawn_at, after.participants, after.tags) == (
        "Withdrawn interview",
        receipt.at,
        [],
        [],
    )
    for look in (ingest.segments, ingest.recording):
        with pytest.raises(Gone) as gone:
            look(interview, ALL_SEEING)
        assert gone.value.code == "withdrawn"
    for step in (ingest.retry, ingest.cancel, ingest.delete):
        with pytest.raises(Gone):
            step(interview, "usr_1", ALL_SEEING)
    assert interview not in [one.id for one in ingest.list_interviews(viewer=ALL_SEEING).items]


def test_it_is_not_taken_in_again(migrated: World, tmp_path: Path) -> None:
    interview = send(migrated)
    sound = write_recording(tmp_path / "call.wav", beeps((1.0, 4.0), 6.0)).read_bytes()
    heard, _ = migrated.services.ingest.add_recording([sound], "call.wav", RecordingIn(), "crm", "k", ALL_SEEING)
    for one in (interview, heard.id):
        migrated.services.withdrawal.withdraw(one, "no_consent", "usr_1", ALL_SEEING)
    with pytest.raises(Conflict) as refused:
        send(migrated)
    assert refused.value.code == "withdrawn"
    with pytest.raises(Conflict):
        migrated.services.ingest.add_recording([sound], "other.wav", RecordingIn(), "page", "k", ALL_SEEING)
    assert [path for path in migrated.services.settings.recordings_dir.rglob("*") if path.is_file()] == []


def test_the_recording_goes_unless_another_interview_has_it(migrated: World, tmp_path: Path) -> None:
    sound = write_recording(tmp_path / "call.wav", beeps((1.0, 4.0), 6.0)).read_bytes()
    ingest = migrated.services.ingest
    first, _ = ingest.add_recording([sound], f"{NAME}.wav", RecordingIn(), "crm", "k", ALL_SEEING)
    second, _ = ingest.add_recording([sound], "b.wav", RecordingIn(project="mail"), "crm", "k", ALL_SEEING)
    path, _ = ingest.recording(first.id, ALL_SEEING)
    receipts = [
        migrated.services.withdrawal.withdraw(one.id, "participant_request", "usr_1", ALL_SEEING)
        for one in (first, second)
    ]
    assert [receipt.is_recording_removed for receipt in receipts] == [False, True]
    assert [receipt.recording_sha256 for receipt in receipts] == [path.name, path.name]
    assert not path.exists()
    assert on_disk(migrated, NAME) == []


def test_a_second_time_gives_the_same_receipt(migrated: World) -> None:
    interview = send(migrated)
    withdraw = migrated.services.withdrawal.withdraw
    first = withdraw(interview, "participant_request", "usr_1", ALL_SEEING)
    assert withdraw(interview, "other", "usr_2", ALL_SEEING) == first
    assert migrated.services.withdrawal.get(first.id, ALL_SEEING) == first


def test_another_process_finds_it_no_more_and_writes_it_down_no_more(migrated: World) -> None:
    interview = send(migrated)
    folder = migrated.services.settings.data_dir
    asked, asleep = (World(build_services(folder), migrated.interview, "") for _ in range(2))
    assert found(asked, SECRET) == [interview]
    assert found(asleep, SECRET) == [interview]  # so that it has something to write down at its end
    migrated.services.withdrawal.withdraw(interview, "participant_request", "usr_1", ALL_SEEING)
    assert found(asked, SECRET) == []
    asked.close()
    asleep.close()
    assert on_disk(migrated, "Quackenbush") == []


def test_work_under_way_ends_and_writes_nothing_more(migrated: World) -> None:
    idle = World(build_services(migrated.services.settings.data_dir, works=False), migrated.interview, "")
    interview = send(idle)
    assert idle.services.ingest.get(interview, ALL_SEEING).status == InterviewStatus.INDEXING
    waiting = idle.services.search
    idle.services.withdrawal.withdraw(interview, "participant_request", "usr_1", ALL_SEEING)
    waiting.embed(interview, lambda _: None)
    waiting.index(interview)
    assert idle.services.ingest.get(interview, ALL_SEEING).status == InterviewStatus.CANCELLED
    assert on_disk(idle, SECRET) == []
    idle.close()


def test_what_an_upload_noted_of_it_goes(migrated: World, tmp_path: Path) -> None:
    sound = write_recording(tmp_path / "call.wav", beeps((1.0, 4.0), 6.0)).read_bytes()
    uploads = migrated.services.uploads
    sent = RecordingIn.model_validate({"participants": [NAME]})
    upload = uploads.create(len(sound), "call.wav", sent, "page", "usr_1", ALL_SEEING)
    _, interview = uploads.append(upload.id, 0, [sound], "usr_1", ALL_SEEING)
    assert interview is not None
    assert on_disk(migrated, NAME)
    receipt = migrated.services.withdrawal.withdraw(interview.id, "participant_request", "usr_1", ALL_SEEING)
    assert receipt.counts["uploads"] == 1
    assert on_disk(migrated, NAME) == []


def contact_of(world: World, **fields: object) -> str:
    given = ContactIn.model_validate({"name": NAME, "emails": ["wq@cellar.example"], **fields})
    return world.services.registry.add_contact(given, SYSTEM).id


def api_of(world: World) -> TestClient:
    client = TestClient(create_app(world.services), raise_server_exceptions=False)
    _, secret = world.services.access.keys.create(NewKey("crm"), actor="test")
    client.headers["authorization"] = f"Bearer {secret}"
    return client


def test_what_took_place_stays_on_the_record_of_contacts(migrated: World) -> None:
    contact = contact_of(migrated)
    interview = send(migrated, recorded_at="2026-05-01T10:00:00Z")
    (before,) = migrated.services.registry.timeline(contact)
    migrated.services.withdrawal.withdraw(interview, "participant_request", "usr_1", ALL_SEEING)
    migrated.services.participation.settle(interview)
    assert migrated.services.registry.timeline(contact) == [before]


def test_an_erased_persons_words_stay_said_by_nobody(migrated: World) -> None:
    contact = contact_of(migrated)
    interview = send(migrated)
    answer = api_of(migrated).post(f"/api/v1/contacts/{contact}/erase", json={})
    assert (answer.status_code, answer.json()["interviews_anonymised"]) == (200, 1)
    after = migrated.services.ingest.get(interview, ALL_SEEING)
    assert (after.title, after.participants[0].name) == ("Talk with Erased person", "Erased person")
    assert [one.speaker for one in migrated.services.ingest.segments(interview, ALL_SEEING)] == [
        "Erased person",
        "Interviewer",
    ]
    assert found(migrated, SECRET) == [interview]
    assert on_disk(migrated, NAME) == []
    assert on_disk(migrated, "Quackenbush") == []


def test_an_erased_persons_interviews_go_wholly_when_that_is_asked(migrated: World) -> None:
    contact = contact_of(migrated)
    interview = send(migrated)
    answer = api_of(migrated).post(f"/api/v1/contacts/{contact}/erase", json={"interviews": "withdraw"})
    assert answer.json()["interviews_withdrawn"] == 1
    assert migrated.services.ingest.get(interview, ALL_SEEING).withdrawn_at is not None
    assert on_disk(migrated, SECRET) == []


def test_two_erased_people_of_one_interview_stay_two_voices(migrated: World) -> None:
    people = [{"name": one, "email": f"{one}@x.example", "speaker": one} for one in ("anna", "berta")]
    segments = [{"speaker": one["speaker"], "text": "Yes, we think so too."} for one in people]
    interview = send(migrated, participants=people, segments=segments)
    for one in people:
        contact = contact_of(migrated, name=one["name"], emails=[one["email"]])
        assert api_of(migrated).post(f"/api/v1/contacts/{contact}/erase", json={}).status_code == 200
    speakers = [one.speaker for one in migrated.services.ingest.segments(interview, ALL_SEEING)]
    assert speakers == ["Erased person", "Erased person 2"]


def test_programs_withdraw_with_the_privacy_permission_and_see_the_receipt_again(migrated: World) -> None:
    interview = send(migrated)
    api = api_of(migrated)
    receipt = api.post(f"/api/v1/interviews/{interview}/withdrawal", json={"reason": "no_consent"})
    assert receipt.status_code == 200, receipt.text
    receipt = receipt.json()
    assert api.get(f"/api/v1/withdrawals/{receipt['id']}").json() == receipt
    assert api.get(f"/api/v1/interviews/{interview}/segments").status_code == 410
    assert api.get("/api/v1/withdrawals/wdr_none").json()["code"] == "unknown_withdrawal"
    _, secret = migrated.services.access.keys.create(NewKey("reader", scopes=("read", "ingest")), actor="test")
    api.headers["authorization"] = f"Bearer {secret}"
    assert api.post(f"/api/v1/interviews/{interview}/withdrawal").status_code == 403
    assert api.get(f"/api/v1/withdrawals/{receipt['id']}").status_code == 403
