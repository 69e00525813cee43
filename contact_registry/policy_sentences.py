"""A policy as one sentence, for the pages that list and edit rules."""

from __future__ import annotations

from collections.abc import Mapping

from contact_registry.validation import DAYS
from contact_registry.values import (
    AppliesTo,
    Basis,
    BlackoutRange,
    CountBy,
    Counts,
    Level,
    Policy,
    PolicyKind,
    QuietWindow,
    SameEngagement,
)
from contact_registry.wording import day_text, length_text, list_text, moment_text, name_of, place

_TIMES = {1: "once", 2: "twice"}
_ALL_WEEK = 7


def policy_sentence(policy: Policy, teams: Mapping[str, str], workspace_tz: str) -> str:
    """`Nobody may be contacted more than 3 times in 90 days.` with everything that narrows or moves it."""
    zone = policy.tz or workspace_tz
    sentence = f"{_who(policy)} {_rule(policy, zone)}"
    details = [_scope(policy.applies_to, dict(teams)), _counted(policy, dict(teams)), _season(policy, workspace_tz)]
    if policy.supersedes:
        details.append(f"instead of {list_text(policy.supersedes)}")
    return ", ".join([sentence, *(detail for detail in details if detail)]) + "."


def _who(policy: Policy) -> str:
    if policy.level is Level.ACCOUNT and policy.kind in (PolicyKind.MIN_GAP, PolicyKind.FREQUENCY_CAP):
        return "No account"
    return "Nobody"


def _rule(policy: Policy, zone: str) -> str:
    if policy.kind is PolicyKind.MIN_GAP and policy.gap is not None:
        basis = " by the calendar" if policy.basis is Basis.CALENDAR else ""
        return f"may be contacted within {length_text(policy.gap)} of another contact{basis}"
    if policy.kind is PolicyKind.FREQUENCY_CAP and policy.window is not None:
        return _cap(policy) + f" in {length_text(policy.window)}" + _calendar(policy)
    if policy.kind is PolicyKind.BLACKOUT:
        return f"may be contacted {list_text((_range(r, zone) for r in policy.ranges), 'or')}"
    if policy.kind is PolicyKind.QUIET_HOURS:
        where = "the person's zone" if zone == "contact" else f"{place(zone)} time"
        return f"may be contacted {list_text((_window(w) for w in policy.windows), 'or')} ({where})"
    consent = "" if policy.consent_purpose is None else f" to {policy.consent_purpose}"
    return f"may be contacted without consent{consent}"


def _cap(policy: Policy) -> str:
    number = policy.max_count or 0
    if policy.count_by is CountBy.ENGAGEMENT:
        return f"may be part of more than {number} {'engagement' if number == 1 else 'engagements'}"
    if policy.count_by is CountBy.CONTACT:
        return f"may have more than {number} {'person' if number == 1 else 'people'} contacted"
    return f"may be contacted more than {_TIMES.get(number, f'{number} times')}"


def _calendar(policy: Policy) -> str:
    return " by the calendar" if policy.basis is Basis.CALENDAR else ""


def _range(spell: BlackoutRange, zone: str) -> str:
    if spell.from_date is not None and spell.to_date is not None:
        if spell.from_date == spell.to_date:
            return f"on {day_text(spell.from_date)}"
        return f"from {day_text(spell.from_date, beside=spell.to_date)} to {day_text(spell.to_date)}"
    assert spell.start is not None, "a range has dates or instants"
    assert spell.end is not None, "a range has dates or instants"
    shown = "UTC" if zone == "contact" else zone
    return f"from {moment_text(spell.start, shown)} to {moment_text(spell.end, shown)}"


def _window(window: QuietWindow) -> str:
    end = "24:00" if window.end is None else f"{window.end:%H:%M}"
    days = sorted(window.days) if window.days is not None else []
    named = f" on {list_text(DAYS[day].capitalize() for day in days)}" if 0 < len(days) < _ALL_WEEK else ""
    return f"from {window.start:%H:%M} to {end}{named}"


def _scope(scope: AppliesTo, teams: dict[str, str]) -> str:
    parts = [
        ("by", [name_of(team, teams) for team in sorted(scope.teams or ())]),
        ("through", sorted(scope.channels or ())),
        ("for", sorted(scope.purposes or ())),
        ("in segment", sorted(scope.segments or ())),
        ("at", sorted(scope.accounts or ())),
        ("if it is", sorted(scope.contacts or ())),
    ]
    return " ".join(f"{word} {list_text(items, 'or')}" for word, items in parts if items)


def _counted(policy: Policy, teams: dict[str, str]) -> str:
    if policy.kind not in (PolicyKind.MIN_GAP, PolicyKind.FREQUENCY_CAP):
        return ""
    named = _selection(policy.counts, teams)
    told = [f"counting only {named}"] if named else []
    if policy.kind is PolicyKind.FREQUENCY_CAP and policy.same_engagement is SameEngagement.IGNORE:
        told.append("not counting the same engagement")
    if policy.kind is PolicyKind.MIN_GAP and policy.same_engagement is SameEngagement.COUNT:
        told.append("even within one engagement")
    return ", ".join(told)


def _selection(counts: Counts, teams: dict[str, str]) -> str:
    parts = [
        "" if counts.statuses is None else list_text((s.replace("_", " ") for s in sorted(counts.statuses)), "or"),
        "" if counts.directions is None else list_text(sorted(counts.directions)),
        "contacts" if any((counts.teams, counts.channels, counts.purposes, counts.statuses, counts.directions)) else "",
        _scope(AppliesTo(counts.teams, counts.channels, counts.purposes), teams),
    ]
    return " ".join(part for part in parts if part)


def _season(policy: Policy, workspace_tz: str) -> str:
    begins, ends = policy.effective_from, policy.effective_until
    told = []
    if begins is not None:
        told.append(f"from {moment_text(begins, workspace_tz)}")
    if ends is not None:
        told.append(f"until {moment_text(ends, workspace_tz)}")
    return " ".join(told)
