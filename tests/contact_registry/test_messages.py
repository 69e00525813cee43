"""Every sentence of an answer: what it says, and what it never says."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from contact_registry.durations import parse_duration
from contact_registry.eligibility import evaluate
from contact_registry.messages import TEMPLATES, answer, decision_message, explain, reason_message
from contact_registry.values import Decision
from contact_registry.wording import day_text, length_text, list_text, moment_text, name_of, round_up, until_text
from tests.contact_registry.memory_registry import MemoryRegistry
from tests.contact_registry.worlds import NOW, World, worlds

TEAMS = {"cx": "Customer Experience"}
ASKED = {"contact": "c1", "team": "research", "channel": "video_call", "purpose": "interview"}


def decision_of(at: str, **given: Any) -> Decision:
    """The answer to a question about c1, who lives in Prague and works at Acme."""
    world = MemoryRegistry.of(
        {
            "now": "2026-03-15T12:00:00Z",
            "accounts": [{"id": "Acme"}],
            "contacts": [{"id": "c1", "emails": ["c1@corp.example"], "account": "Acme", "tz": "Europe/Prague"}],
            **given,
        }
    )
    return world.check({**ASKED, "at": at})


def sentence(decision: Decision) -> tuple[str, str]:
    message = explain(decision.reasons[0], decision, TEAMS)
    return message.id, message.text


def policy(kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": "p", "name": "30-day cool-down", "kind": kind, "level": "contact", **fields}


def touch(ref: str, at: str, **fields: Any) -> dict[str, Any]:
    fact = {"team": "sales", "channel": "phone", "purpose": "call", "status": "completed", "contact": "c1"}
    return {"id": ref, "at": at, **fact, **fields}


GAP = policy("min_gap", gap="P30D")
CAP = policy("frequency_cap", max=1, window="P90D")


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (
            touch("t", "2026-03-05T14:00:00Z"),
            (
                "min_gap.past",
                "Sales phoned on 5 Mar 2026; rule '30-day cool-down' allows the next contact from "
                "4 Apr 2026, 16:00 Prague.",
            ),
        ),
        (
            touch("t", "2026-03-05T14:00:00.001Z", channel="email", team="cx"),
            (
                "min_gap.past",
                "Customer Experience wrote on 5 Mar 2026; rule '30-day cool-down' allows the next contact from "
                "4 Apr 2026, 16:01 Prague.",
            ),
        ),
        (
            touch("t", "2026-03-05T14:00:00Z", status="no_show", channel="video_call"),
            (
                "min_gap.no_show",
                "Sales had a video call on 5 Mar 2026 and nobody came; rule '30-day cool-down' allows the next "
                "contact from 4 Apr 2026, 16:00 Prague.",
            ),
        ),
        (
            touch("t", "2026-03-05T14:00:00Z", status="planned"),
            (
                "min_gap.overdue",
                "Sales had a call planned on 5 Mar 2026; rule '30-day cool-down' allows the next contact from "
                "4 Apr 2026, 16:00 Prague.",
            ),
        ),
        (
            touch("t", "2026-03-25T14:00:00Z", status="planned"),
            ("min_gap.future", "Sales has a call planned on 25 Mar 2026; nothing may happen within 30 days of it."),
        ),
        (
            touch("t", "2026-03-25T14:00:00Z", status="reserved", expires_at="2026-03-15T12:14:30Z"),
            ("hold", "Sales has reserved this person until 13:15 today."),
        ),
        (
            touch("t", "2026-03-25T14:00:00Z", status="reserved", expires_at="2026-03-16T12:00:00Z"),
            ("hold", "Sales has reserved this person until 13:00 on 16 Mar 2026."),
        ),
    ],
)
def test_a_gap_tells_who_did_what_when_and_from_when_on(fact: dict[str, Any], expected: tuple[str, str]) -> None:
    assert sentence(decision_of("2026-03-20T12:00:00Z", policies=[GAP], touchpoints=[fact])) == expected


def test_a_rule_of_the_account_names_the_account_and_no_person() -> None:
    colleague = {"id": "c2", "emails": ["c2@corp.example"], "account": "Acme"}
    people = [{"id": "c1", "emails": ["c1@corp.example"], "account": "Acme"}, colleague]
    facts = [touch(f"t{day}", f"2026-03-{day}T10:00:00Z", contact="c2") for day in ("08", "10")]
    gap = decision_of("2026-03-20T12:00:00Z", contacts=people, policies=[GAP | {"level": "account"}], touchpoints=facts)
    assert sentence(gap)[1].startswith("Sales phoned somebody at Acme on 10 Mar 2026; rule")
    cap = decision_of("2026-03-20T12:00:00Z", contacts=people, policies=[CAP | {"level": "account"}], touchpoints=facts)
    assert sentence(cap) == (
        "frequency_cap.account",
        "Acme has reached 2 contacts in 90 days, most recently by Sales on 10 Mar.",
    )


def test_a_cap_names_the_oldest_contact_when_it_is_the_one_that_makes_room() -> None:
    cap = CAP | {"max": 3}
    dates = ("2026-01-10T10:00:00Z", "2026-02-01T10:00:00Z", "2026-03-01T10:00:00Z")
    facts = [touch(f"t{i}", at) for i, at in enumerate(dates)]
    assert sentence(decision_of("2026-03-20T12:00:00Z", policies=[cap], touchpoints=facts)) == (
        "frequency_cap.oldest",
        "3 of 3 contacts used in 90 days; the oldest (10 Jan) leaves on 10 Apr 2026.",
    )
    more = [*facts, touch("t9", "2026-03-02T10:00:00Z")]
    assert sentence(decision_of("2026-03-20T12:00:00Z", policies=[cap], touchpoints=more)) == (
        "frequency_cap.room",
        "4 of 3 contacts used in 90 days; there is room again from 2 May 2026, 12:00 Prague.",
    )


def test_why_somebody_must_not_be_contacted_is_told_to_the_privacy_role_alone() -> None:
    stop = {"id": "s", "subject": {"contact": "c1"}, "source": "erasure"}
    decision = decision_of("2026-03-20T12:00:00Z", suppressions=[stop])
    assert reason_message(decision.reasons[0], decision, {}) == "Do not contact."
    assert decision_message(decision, {}) == "Do not contact."
    assert decision_message(decision, {}, True) == "Do not contact: asked to be erased."
    paused = decision_of("2026-03-20T12:00:00Z", suppressions=[stop | {"until": "2026-04-01T00:00:00Z"}])
    assert decision_message(paused, {}) == "Do not contact before 1 Apr 2026, 02:00 Prague."


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "May be contacted."),
        ({"policies": [GAP], "touchpoints": [touch("t", "2026-03-05T14:00:00Z")]}, "Not before 4 Apr 2026, 16:00"),
        ({"policies": [policy("consent_required")]}, "Not without consent."),
        (
            {
                "policies": [GAP],
                "touchpoints": [
                    touch("t", "2026-03-25T14:00:00Z", status="reserved", expires_at="2026-03-15T12:15:00Z")
                ],
            },
            "Reserved by Sales until 13:15 today.",
        ),
        (
            {"policies": [policy("blackout", ranges=[{"from_date": "2026-01-01", "to_date": "2090-01-01"}])]},
            "Not within the next ten years under the rules in force.",
        ),
    ],
)
def test_an_answer_is_one_sentence(given: dict[str, Any], expected: str) -> None:
    assert decision_message(decision_of("2026-03-20T12:00:00Z", **given), {}).startswith(expected)


def test_an_unknown_person_is_told_to_be_added() -> None:
    world = MemoryRegistry.of({"now": "2026-03-15T12:00:00Z"})
    asked = {**ASKED, "at": "2026-03-20T12:00:00Z", "email": "new@corp.example"}
    del asked["contact"]
    assert answer(world.check(asked), {}).id == "answer.unknown_person"


@given(worlds())
def test_every_reason_has_a_sentence_without_gaps(world: World) -> None:
    decision = evaluate(world.rules, world.history, world.question, NOW)
    for message in (*(explain(r, decision, TEAMS, True) for r in decision.reasons), answer(decision, TEAMS)):
        assert message.text.endswith((".", "nobody came."))
        assert "{" not in message.text
        assert "None" not in message.text


def test_no_template_asks_for_what_no_team_may_know() -> None:
    fields = {name for text in TEMPLATES.values() for _, name, _, _ in string.Formatter().parse(text) if name}
    assert fields <= {
        *("team", "deed", "plan", "day", "rule", "clears", "clears_day", "gap", "until", "account"),
        *("count", "max", "things", "window", "source"),
    }


def test_words_are_rounded_up_and_never_down() -> None:
    at = datetime(2026, 4, 4, 14, tzinfo=UTC)
    assert round_up(at) == at
    assert moment_text(at + timedelta(seconds=1), "America/New_York") == "4 Apr 2026, 10:01 New York"
    assert until_text(at, at - timedelta(hours=20), "UTC") == "14:00 on 4 Apr 2026"
    assert day_text(at.date()) == "4 Apr 2026"
    assert length_text(parse_duration("P1M1DT2H0.5S")) == "1 month, 1 day, 2 hours and 1 second"
    assert list_text(["a"]) == "a"
    assert list_text([]) == ""
    assert name_of("field_ops", {}) == "Field ops"


def test_a_message_keeps_its_values_for_translation() -> None:
    decision = decision_of("2026-03-20T12:00:00Z", policies=[GAP], touchpoints=[touch("t", "2026-03-05T14:00:00Z")])
    message = explain(decision.reasons[0], replace(decision, account_name=None), {})
    assert message.values["team"] == "Sales"
    assert message.values["clears"] == "4 Apr 2026, 16:00 Prague"
