"""Which policies are refused and why, and that documents and policies are the same thing twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_registry.default_policies import DEFAULT_POLICIES
from contact_registry.policy_sentences import policy_sentence
from contact_registry.validation import parse_policies, parse_policy, write_policy
from contact_registry.values import Policy, PolicyKind, SameEngagement
from core.errors import InvalidInput
from tests.contact_registry.worlds import policy_sets

GAP: dict[str, Any] = {"id": "gap30", "kind": "min_gap", "gap": "P30D"}
CAP: dict[str, Any] = {"id": "cap", "kind": "frequency_cap", "max": 3, "window": "P90D"}
QUIET: dict[str, Any] = {"id": "q", "kind": "quiet_hours", "windows": [{"start": "20:00", "end": "08:00"}]}
BLACKOUT: dict[str, Any] = {
    "id": "b",
    "kind": "blackout",
    "ranges": [{"from_date": "2026-12-20", "to_date": "2027-01-02"}],
}
CONSENT: dict[str, Any] = {"id": "c", "kind": "consent_required"}
ALL_DAY = {"start": "00:00", "end": "24:00"}


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        (GAP | {"applies_to": {"teams": ["sales"]}}, "counts_required", "counts"),
        (GAP | {"applies_to": {"channels": ["phone"]}}, "counts_required", "counts"),
        (CAP | {"applies_to": {"purposes": ["survey"]}}, "counts_required", "counts"),
        (GAP | {"gap": "P0D"}, "duration_not_positive", "gap"),
        (GAP | {"gap": "P1M"}, "months_need_calendar", "gap"),
        (GAP | {"gap": "PT12H", "basis": "calendar"}, "calendar_needs_days", "gap"),
        (GAP | {"gap": "P101Y", "basis": "calendar"}, "duration_too_long", "gap"),
        (GAP | {"gap": "30 days"}, "invalid_duration", "gap"),
        (GAP | {"gap": None}, "invalid_duration", "gap"),
        (CAP | {"max": 0}, "invalid_max", "max"),
        (CAP | {"max": True}, "invalid_max", "max"),
        (CAP | {"max": None}, "invalid_max", "max"),
        (GAP | {"level": "account", "tz": "contact"}, "account_rule_in_contact_zone", "tz"),
        (GAP | {"tz": "Mars/Olympus"}, "unknown_tz", "tz"),
        (GAP | {"max": 3}, "unknown_field", "max"),
        (GAP | {"cooldown": 3}, "unknown_field", "cooldown"),
        (GAP | {"applies_to": {"team": ["sales"]}}, "unknown_field", "applies_to.team"),
        (GAP | {"counts": {"teams": []}}, "empty_selector", "counts.teams"),
        (GAP | {"counts": {"statuses": ["voided"]}}, "uncountable_status", "counts.statuses"),
        (GAP | {"counts": {"statuses": ["gone"]}}, "invalid_policy", "counts.statuses"),
        (GAP | {"kind": "cooldown"}, "invalid_policy", "kind"),
        (GAP | {"id": " "}, "invalid_policy", "id"),
        (
            GAP | {"effective_from": "2026-12-01T00:00:00Z", "effective_until": "2026-12-01T00:00:00Z"},
            "empty_season",
            "effective_until",
        ),
        (GAP | {"effective_from": "2026-12-01T00:00:00"}, "invalid_instant", "effective_from"),
        (CONSENT | {"overridable": True}, "consent_not_overridable", "overridable"),
        (QUIET | {"windows": [ALL_DAY]}, "never_open", "windows"),
        (
            QUIET | {"windows": [{"start": "20:00", "end": "08:00"}, {"start": "07:00", "end": "20:00"}]},
            "never_open",
            "windows",
        ),
        (QUIET | {"windows": []}, "windows_required", "windows"),
        (QUIET | {"windows": [{"start": "08:00", "end": "08:00"}]}, "invalid_window", "windows"),
        (QUIET | {"windows": [{"start": "08:00", "end": "25:00"}]}, "invalid_time", "windows[0].end"),
        (QUIET | {"windows": [ALL_DAY | {"days": ["Saturday"]}]}, "invalid_policy", "windows[0].days"),
        (BLACKOUT | {"ranges": []}, "ranges_required", "ranges"),
        (BLACKOUT | {"ranges": [{"from_date": "2026-12-20"}]}, "invalid_range", "ranges[0]"),
        (BLACKOUT | {"ranges": [{"from_date": "2026-12-20", "to_date": "2026-12-19"}]}, "invalid_range", "ranges"),
        (BLACKOUT | {"ranges": [{"from_date": "20.12.", "to_date": "x"}]}, "invalid_date", "ranges[0].from_date"),
        (BLACKOUT | {"ranges": "always"}, "invalid_policy", "ranges"),
    ],
)
def test_a_policy_that_means_nothing_is_refused_with_its_field(document: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_policy(document)
    assert (refused.value.code, refused.value.extra["field"]) == (code, field)


@pytest.mark.parametrize(
    ("documents", "code"),
    [
        ([GAP, GAP], "duplicate_policy"),
        ([GAP | {"supersedes": ["nothing"]}], "unknown_policy"),
        ([GAP | {"supersedes": ["gap30"]}], "supersedes_cycle"),
        ([GAP | {"supersedes": ["cap"]}, CAP | {"supersedes": ["gap30"]}], "supersedes_cycle"),
        ([CONSENT, GAP | {"supersedes": ["c"]}], "supersedes_consent"),
    ],
)
def test_a_set_of_policies_that_contradicts_itself_is_refused(documents: list[dict[str, Any]], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_policies(documents)
    assert refused.value.code == code


def test_a_week_that_opens_once_is_not_always_quiet() -> None:
    weekdays = ["tue", "wed", "thu", "fri", "sat", "sun"]
    windows = [ALL_DAY | {"days": weekdays}, {"start": "00:00", "end": "09:00"}, {"start": "09:30", "end": "24:00"}]
    assert parse_policy(QUIET | {"windows": windows}).windows[0].end is None


def test_days_of_the_policy_hold_for_windows_without_their_own() -> None:
    windows = parse_policy(QUIET | {"days": ["mon"], "windows": [ALL_DAY, ALL_DAY | {"days": ["sun"]}]}).windows
    assert [window.days for window in windows] == [frozenset({0}), frozenset({6})]


def test_defaults_are_those_of_the_specification() -> None:
    gap, cap = parse_policies([GAP, CAP], version=3)
    assert gap.same_engagement is SameEngagement.IGNORE
    assert cap.same_engagement is SameEngagement.COUNT
    assert gap.overridable
    assert gap.version == 3
    assert not parse_policy(CONSENT).overridable


@given(policy_sets(), st.data())
def test_a_policy_survives_being_written_and_read(policies: tuple[Policy, ...], data: st.DataObject) -> None:
    for policy in policies:
        if policy.kind in (PolicyKind.MIN_GAP, PolicyKind.FREQUENCY_CAP):
            named = replace(policy, name=data.draw(st.sampled_from(["", "A rule"])))
        else:
            named = policy
        assert parse_policy(write_policy(named)) == named


def test_the_default_rules_read_as_sentences() -> None:
    sentences = [policy_sentence(policy, {}, "UTC") for policy in parse_policies(DEFAULT_POLICIES)]
    assert sentences == [
        "Nobody may be contacted within 30 days of another contact.",
        "Nobody may be contacted more than 3 times in 90 days.",
        "No account may be contacted more than 5 times in 30 days.",
    ]


def test_a_sentence_says_everything_that_narrows_a_rule() -> None:
    policy = parse_policy(
        CAP
        | {
            "applies_to": {"teams": ["sales"], "channels": ["phone"], "segments": ["panel"]},
            "counts": {"statuses": ["no_show"], "teams": ["sales", "cx"]},
            "count_by": "engagement",
            "same_engagement": "ignore",
            "basis": "calendar",
            "window": "P1M",
            "effective_until": "2027-01-01T00:00:00Z",
        }
    )
    assert policy_sentence(policy, {"cx": "Customer Experience"}, "Europe/Prague") == (
        "Nobody may be part of more than 3 engagements in 1 month by the calendar, by Sales through phone in "
        "segment panel, counting only no show contacts by Customer Experience or Sales, not counting the same "
        "engagement, until 1 Jan 2027, 01:00 Prague."
    )
    quiet = parse_policy(QUIET | {"tz": "contact", "days": ["sat", "sun"]})
    assert policy_sentence(quiet, {}, "UTC") == (
        "Nobody may be contacted from 20:00 to 08:00 on Sat and Sun (the person's zone)."
    )
    assert policy_sentence(parse_policy(BLACKOUT), {}, "UTC") == (
        "Nobody may be contacted from 20 Dec 2026 to 2 Jan 2027."
    )
