"""After the last day a recording may be kept its bytes go and its text stays; before it, that is said."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from core.audit import AuditEvent
from core.errors import Conflict, Gone
from core.visibility import EVERYBODY
from ingest.retention import is_over
from ingest.schemas import InterviewStatus, RecordingIn
from tests.ingest.conftest import Workspace, speech

# The clock of the workspace stands at noon of 1 March 2025.
KEPT = "2025-03-20"


def kept_until(day: str | None, **fields: object) -> RecordingIn:
    people = [{"name": "Ann", "consent": {"keep_until": day}}]
    return RecordingIn.model_validate({"participants": people, "external_id": f"kept-{day}", **fields})


def test_the_recording_goes_when_its_last_day_has_ended_and_the_text_stays(workspace: Workspace) -> None:
    interview, _ = workspace.add(workspace.recording(speech((1, 3))), sent=kept_until(KEPT))
    retention = workspace.service.retention
    text = [segment.text for segment in workspace.service.segments(interview.id)]
    workspace.clock.set(datetime(2025, 3, 20, 20, tzinfo=UTC))
    assert retention.remove_due() == 0
    workspace.clock.set(datetime(2025, 3, 21, 12, tzinfo=UTC))
    assert (retention.remove_due(), retention.remove_due()) == (1, 0)
    assert workspace.blob_files() == []
    after = workspace.service.get(interview.id)
    assert (after.has_recording, after.media_removed_at, after.status) == (
        False,
        workspace.clock.now(),
        InterviewStatus.READY,
    )
    assert [segment.text for segment in workspace.service.segments(interview.id)] == text
    with pytest.raises(Gone, match="removed"):
        workspace.service.recording(interview.id)
    with workspace.database.read() as session:
        events = session.exec(select(AuditEvent).where(AuditEvent.action == "recording.removed")).all()
    assert [(event.actor, event.subject_id, event.detail["bytes_deleted"]) for event in events] == [
        ("system", interview.id, True)
    ]


def test_the_day_ends_where_the_workspace_is(workspace: Workspace) -> None:
    at = datetime(2025, 3, 21, 2, tzinfo=UTC)
    assert is_over(date(2025, 3, 20), at, ZoneInfo("Europe/Prague"))
    assert not is_over(date(2025, 3, 20), at, ZoneInfo("America/Lima"))


def test_bytes_that_another_interview_has_stay(workspace: Workspace) -> None:
    sound = workspace.recording(speech((1, 3)))
    workspace.add(sound, sent=kept_until(KEPT))
    other, _ = workspace.add(sound, sent=RecordingIn(project="onboarding"))
    workspace.clock.set(datetime(2025, 4, 1, tzinfo=UTC))
    assert workspace.service.retention.remove_due() == 1
    assert workspace.service.recording(other.id)[0].is_file()


def test_what_goes_within_thirty_days_is_announced(workspace: Workspace) -> None:
    soon, _ = workspace.add(workspace.recording(speech((1, 3))), sent=kept_until("2025-03-31"))
    workspace.add(workspace.recording(speech((2, 3)), "b.wav"), sent=kept_until("2025-04-01"))
    workspace.add(workspace.recording(speech((2, 4)), "c.wav"), sent=kept_until(None))
    (announced,) = workspace.service.retention.announced(EVERYBODY)
    assert (announced.interview_id, str(announced.removed_from), announced.has_text) == (soon.id, "2025-04-01", True)


def test_a_recording_not_yet_written_down_goes_as_well_and_is_not_retried(
    build_workspace: Callable[..., Workspace],
) -> None:
    workspace = build_workspace(inline=False)
    interview, _ = workspace.add(workspace.recording(speech((1, 3))), sent=kept_until(KEPT))
    workspace.clock.set(datetime(2025, 4, 1, tzinfo=UTC))
    assert workspace.service.retention.remove_due() == 1
    assert workspace.service.get(interview.id).status == InterviewStatus.CANCELLED
    with pytest.raises(Conflict, match="removed"):
        workspace.service.retry(interview.id, "usr_1")


def test_a_recording_whose_time_is_over_is_not_taken_in(workspace: Workspace) -> None:
    with pytest.raises(Conflict, match="2025-02-28"):
        workspace.add(workspace.recording(speech((1, 3))), sent=kept_until("2025-02-28"))
    assert workspace.blob_files() == []
