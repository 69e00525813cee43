"""Consent is noted person by person and binds the whole interview: the narrowest answer wins."""

from collections.abc import Sequence
from datetime import date

import pytest

from core.errors import Forbidden, Gone, InvalidInput, NotFound
from core.tables import Interview
from core.visibility import EVERYBODY, Viewer
from ingest.schemas import Consent, InterviewIn, InterviewOut, RecordingIn
from tests.ingest.conftest import Workspace, speech

PRIVACY = Viewer(reads_unquotable=True)
MAY = date(2027, 5, 3)
JUNE = date(2027, 6, 1)


def add(workspace: Workspace, participants: Sequence[object], **fields: object) -> InterviewOut:
    sent = {
        "title": "A talk",
        "external_id": "x1",
        "segments": [{"text": "Prices rose."}],
        "participants": participants,
    }
    return workspace.service.add_interview(InterviewIn.model_validate({**sent, **fields}), "crm", "key_1")


def person(name: str, email: str | None = None, **consent: object) -> dict[str, object]:
    return {"name": name, "email": email, **({"consent": consent} if consent else {})}


def limits(interview: InterviewOut) -> tuple[bool, bool, date | None]:
    return interview.is_quotable, interview.is_shareable, interview.keep_until


def test_nothing_noted_limits_nothing(workspace: Workspace) -> None:
    assert limits(add(workspace, ["Ann", person("Bo", quote_internally=True)])) == (True, True, None)


def test_one_refusal_binds_all_and_the_earliest_day_counts(workspace: Workspace) -> None:
    interview = add(
        workspace,
        [
            person("Ann", quote_internally=True, share_outside=True, keep_until=JUNE),
            person("Bo", quote_internally=False, keep_until=MAY),
            person("Cy", share_outside=False),
        ],
    )
    assert limits(interview) == (False, False, MAY)


def test_sending_again_without_consent_keeps_what_was_noted(workspace: Workspace) -> None:
    add(workspace, [person("Ann", "ann@a.example", quote_internally=False), person("Bo", keep_until=MAY)])
    again = add(workspace, [person("Ann Lee", "ANN@a.example"), "bo"])
    assert limits(again) == (False, True, MAY)
    assert [one.consent.quote_internally for one in again.participants] == [False, None]


def test_sending_again_narrows_field_by_field_and_never_loosens(workspace: Workspace) -> None:
    add(workspace, [person("Ann", quote_internally=False, keep_until=JUNE)])
    wider = person("Ann", quote_internally=True, share_outside=True, keep_until=None)
    assert limits(add(workspace, [wider])) == (False, True, JUNE)
    narrower = person("Ann", quote_internally=None, share_outside=False, keep_until=MAY)
    assert limits(add(workspace, [narrower])) == (False, False, MAY)


def test_leaving_somebody_out_does_not_lift_what_they_asked_for(workspace: Workspace) -> None:
    add(workspace, [person("Ann", quote_internally=False), "Bo"])
    again = add(workspace, [])
    assert [one.name for one in again.participants] == ["Ann"]
    assert not again.is_quotable


def test_two_of_one_name_are_told_apart_by_their_address(workspace: Workspace) -> None:
    add(workspace, [person("Jan", "jan@a.example", quote_internally=False), person("Jan", "jan@b.example")])
    again = add(workspace, [person("Jan", "jan@b.example"), person("Jan", "jan@a.example")])
    assert [one.consent.quote_internally for one in again.participants] == [None, False]


def test_anybody_narrows_and_only_privacy_allows_again(workspace: Workspace) -> None:
    interview = add(workspace, ["Ann"])
    consent = workspace.service.consent
    narrowed = consent.note(interview.id, 0, Consent(quote_internally=False, keep_until=MAY), "usr_1")
    assert limits(narrowed) == (False, True, MAY)
    for wider in (
        Consent(quote_internally=True, keep_until=MAY),
        Consent(quote_internally=False, keep_until=JUNE),
        Consent(),
    ):
        with pytest.raises(Forbidden, match="privacy permission"):
            consent.note(interview.id, 0, wider, "usr_1")
    assert limits(consent.note(interview.id, 0, Consent(), "usr_2", may_loosen=True)) == (True, True, None)


def test_consent_of_nobody_or_for_the_year_one_is_refused(workspace: Workspace) -> None:
    interview = add(workspace, ["Ann"])
    with pytest.raises(NotFound):
        workspace.service.consent.note(interview.id, 1, Consent(), "usr_1")
    with pytest.raises(InvalidInput):
        workspace.service.consent.note(interview.id, 0, Consent(keep_until=date(1, 1, 1)), "usr_1")
    with pytest.raises(InvalidInput):
        add(workspace, [person("Ann", keep_until=date(3000, 1, 1))])


def test_text_and_sound_not_to_be_quoted_open_to_the_privacy_permission_alone(workspace: Workspace) -> None:
    interview, _ = workspace.add(workspace.recording(speech((1, 3))))
    note = workspace.service.consent.note
    described = workspace.service.add_interview(
        InterviewIn.model_validate({"title": "T", "segments": [{"text": "x"}], "participants": ["Ann"]}), "crm", "k"
    )
    assert note(described.id, 0, Consent(quote_internally=False), "usr_1").title == "T"
    for look in (workspace.service.segments, workspace.service.recording):
        with pytest.raises(Forbidden) as refused:
            look(described.id, EVERYBODY)
        assert refused.value.code == "not_quotable"
    with pytest.raises(Forbidden):
        workspace.service.transcript(described.id, "json", EVERYBODY)
    assert workspace.service.segments(described.id, PRIVACY)[0].text == "x"
    assert workspace.service.segments(interview.id, EVERYBODY)


def test_not_shareable_leaves_as_no_file_whoever_asks_and_is_read_and_played(workspace: Workspace) -> None:
    interview, _ = workspace.add(
        workspace.recording(speech((1, 3))),
        sent=_recording_of([person("Ann", share_outside=False)]),
    )
    for format_name in ("vtt", "srt", "txt", "md", "docx"):
        with pytest.raises(Forbidden) as refused:
            workspace.service.transcript(interview.id, format_name, PRIVACY)
        assert refused.value.code == "not_shareable"
    with pytest.raises(Forbidden):
        workspace.service.recording(interview.id, PRIVACY, to_keep=True)
    assert workspace.service.transcript(interview.id, "json")[0]
    assert workspace.service.recording(interview.id)[0].is_file()


def test_a_transcript_carries_the_consent_to_the_next_workspace(workspace: Workspace) -> None:
    interview = add(workspace, [person("Ann", share_outside=False, keep_until=MAY)])
    body, _, _ = workspace.service.transcript(interview.id, "json")
    copy, _ = workspace.service.add_recording([body], "copy.json", _recording_of([]), "other", "k")
    assert limits(copy) == (True, False, MAY)


def test_an_interview_that_was_withdrawn_takes_no_consent(workspace: Workspace) -> None:
    interview = add(workspace, ["Ann"])
    with workspace.database.write() as session:
        row = session.get(Interview, interview.id)
        assert row is not None
        row.withdrawn_at = workspace.clock.now()
    with pytest.raises(Gone):
        workspace.service.consent.note(interview.id, 0, Consent(), "usr_1")


def _recording_of(participants: Sequence[object]) -> RecordingIn:
    return RecordingIn.model_validate({"participants": participants})
