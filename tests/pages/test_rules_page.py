"""Reading the rules, drafting others, trying them on the log, and putting them in force."""

import json

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from contact_registry.actor import SYSTEM
from contact_registry.schemas import TouchpointIn
from contact_registry.schemas_rules import ActivateIn, DraftIn
from tests.pages.world import NOON, PageText, World, token_on

RULES = "/contacts/rules"


def send(client: TestClient, path: str, **form: str) -> Response:
    answer: Response = client.post(f"{RULES}/{path}", data={"csrf_token": token_on(client, RULES), **form})
    return answer


def test_the_rules_of_a_new_workspace_are_told_in_sentences(member: TestClient) -> None:
    page = PageText(member.get(RULES).text)
    assert "In force: version 0" in page.text
    assert "Nobody may be contacted within 30 days of another contact." in page.text
    assert "No account may be contacted more than 5 times in 30 days." in page.text
    assert "Activate the draft" not in page.text


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"kind": "cap", "count": "2", "days": "60"}, "Nobody may be contacted more than twice in 60 days."),
        ({"kind": "cap", "count": "2", "days": "60", "team": "sales"}, "more than twice in 60 days, by Sales"),
        ({"kind": "gap", "days": "30"}, "Nobody may be contacted within 30 days of another contact."),
        ({"kind": "company", "count": "4", "days": "7"}, "No account may be contacted more than 4 times in 7 days."),
        ({"kind": "blackout", "from_date": "2026-12-24", "to_date": "2026-12-26"}, "from 24 Dec to 26 Dec 2026"),
    ],
)
def test_a_sentence_with_its_gaps_filled_in_becomes_a_rule_of_the_draft(
    world: World, form: dict[str, str], sentence: str
) -> None:
    client = world.member()
    assert send(client, "add", revision="0", **form).status_code == 303
    page = PageText(client.get(RULES).text)
    assert "Draft of version 1" in page.text
    assert sentence in page.text
    assert len(world.services.registry.rules.draft().policies) == 4
    assert len(world.services.registry.rules.active().policies) == 3


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "cap", "count": "0", "days": "9"},
        {"kind": "cap", "count": "three", "days": "9"},
        {"kind": "gap", "days": "99999"},
        {"kind": "gap", "days": ""},
        {"kind": "blackout", "from_date": "soon", "to_date": "2026-12-26"},
        {"kind": "blackout", "from_date": "2026-12-26", "to_date": "2026-12-24"},
        {"kind": "nonsense", "days": "9"},
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_words(member: TestClient, form: dict[str, str]) -> None:
    answer = send(member, "add", revision="0", **form)
    assert answer.status_code == 422
    assert any(attrs.get("role") == "alert" for _, attrs in PageText(answer.text).elements)


def test_a_rule_is_removed_and_the_draft_begun_again(world: World) -> None:
    client = world.member()
    send(client, "remove", rule="gap30", revision="0")
    assert "gap30" not in {policy["id"] for policy in world.services.registry.rules.draft().policies}
    send(client, "reset")
    assert "gap30" in {policy["id"] for policy in world.services.registry.rules.draft().policies}


def test_a_draft_that_somebody_else_changed_meanwhile_is_not_overwritten(world: World) -> None:
    client = world.member()
    world.services.registry.rules.put_draft(DraftIn(policies=[]), SYSTEM)
    answer = send(client, "add", revision="0", kind="gap", days="9")
    assert answer.status_code == 409
    assert world.services.registry.rules.draft().policies == []


def test_rules_are_written_as_json_and_what_was_typed_stays_when_it_is_refused(world: World) -> None:
    client = world.member()
    quiet = {"id": "night", "kind": "quiet_hours", "windows": [{"start": "21:00", "end": "08:00"}]}
    assert send(client, "json", revision="0", policies=json.dumps([quiet])).status_code == 303
    assert "from 21:00 to 08:00" in PageText(client.get(RULES).text).text
    for typed in ("[{", '{"a": 1}', '[{"id": "odd", "kind": "min_gap"}]'):
        answer = send(client, "json", revision="1", policies=typed)
        assert answer.status_code == 422
        assert typed in PageText(answer.text).text
    assert "Rule “odd”" in answer.text


def test_a_draft_is_tried_on_everybody_and_names_whom_it_would_free(world: World) -> None:
    client = world.member()
    send(client, "remove", rule="gap30", revision="0")
    asked = {"team": "research", "purpose": "interview", "channel": "email", "at": ""}
    page = PageText(send(client, "simulate", **asked).text)
    assert "Of 1 person" in page.text
    assert "Newly eligible: 1" in page.text
    assert ("a", {"href": f"/contacts/{world.contact_id}"}) in page.elements
    assert "Newly not eligible: 0" in page.text


def test_a_draft_names_the_bookings_it_would_push_into_conflict(world: World) -> None:
    sent = {"contact": world.contact_id, "team": "sales", "channel": "phone", "purpose": "sales_call"}
    at = NOON.replace(month=7)
    world.services.registry.book(TouchpointIn.model_validate({**sent, "at": at}), SYSTEM)
    client = world.member()
    send(client, "add", revision="0", kind="gap", days="90")
    asked = {"team": "research", "purpose": "interview", "channel": "email", "at": "2026-11-20T10:00"}
    page = PageText(send(client, "simulate", **asked).text)
    assert "Bookings that would be in conflict: 1" in page.text
    assert "Jana Malá" in page.text


def test_a_draft_comes_in_force_after_a_confirmation(world: World) -> None:
    client = world.member()
    assert client.get(f"{RULES}/activate").status_code == 409
    send(client, "remove", rule="gap30", revision="0")
    page = PageText(client.get(f"{RULES}/activate").text)
    assert "Put version 1 of the rules in force?" in page.text
    assert send(client, "activate/7").status_code == 409
    assert send(client, "activate/1").status_code == 303
    page = PageText(client.get(RULES).text)
    assert "In force: version 1" in page.text
    assert "Activated 12 May 2026" in page.text
    assert "gap30" not in {policy["id"] for policy in world.services.registry.rules.active().policies}


def test_markup_in_a_rule_stays_text(world: World) -> None:
    client = world.member()
    evil = "</textarea><script>alert(1)</script>"
    gap = {"id": "g", "kind": "min_gap", "gap": "P9D", "name": evil}
    send(client, "json", revision="0", policies=json.dumps([gap]))
    page = PageText(client.get(RULES).text)
    assert not [attrs for tag, attrs in page.elements if tag == "script" and "src" not in attrs]


@pytest.mark.parametrize("asked", [{"team": "nobody"}, {"team": "sales", "at": "2020-01-01T10:00"}])
def test_a_trial_that_makes_no_sense_is_answered_in_words(member: TestClient, asked: dict[str, str]) -> None:
    answer = send(member, "simulate", **asked)
    assert answer.status_code == 422
    assert any(attrs.get("role") == "alert" for _, attrs in PageText(answer.text).elements)


def test_rules_that_overlap_a_superseded_one_are_marked(world: World) -> None:
    gap = {"kind": "min_gap", "applies_to": {}, "counts": {}}
    rules = [
        gap | {"id": "all30", "name": "Everybody 30", "gap": "P30D"},
        gap | {"id": "all20", "name": "Everybody 20", "gap": "P20D"},
        gap | {"id": "sales", "name": "Sales 40", "gap": "P40D", "applies_to": {"teams": ["sales"]}},
        gap
        | {
            "id": "own",
            "name": "Research 7",
            "gap": "P7D",
            "applies_to": {"teams": ["research"]},
            "supersedes": ["all30"],
        },
    ]
    world.services.registry.rules.put_draft(DraftIn(policies=rules), SYSTEM)
    draft = world.services.registry.rules.draft()
    assert draft.overlaps == {
        "all30": ["Set aside where “Research 7” applies."],
        "all20": ["Overlaps “Everybody 30”, which “Research 7” sets aside: this rule still holds there."],
    }
    page = PageText(world.member().get("/contacts/rules").text).text
    for note in (*draft.overlaps["all30"], *draft.overlaps["all20"]):
        assert note in page
    assert "“Sales 40”" not in page
    world.services.registry.rules.activate(ActivateIn(), SYSTEM)
    assert PageText(world.member().get("/contacts/rules").text).text.count("Set aside where") == 2
