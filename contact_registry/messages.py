"""Answers in sentences: why not, because of whom, and from when on.

Each sentence is a template with a stable id and named values, so it can be translated and tested; the ids
are part of the contract. No sentence holds notes, subjects or a person's name, and why somebody must not
be contacted is told to the privacy role alone: that a person asked for erasure is itself personal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from contact_registry.values import (
    Badge,
    Basis,
    Blocking,
    CountBy,
    Decision,
    Level,
    Limit,
    OnUnknownZone,
    Reason,
    ReasonCode,
    SuppressionSource,
    TouchpointStatus,
    ZoneSource,
)
from contact_registry.wording import (
    day_text,
    deed,
    length_text,
    moment_text,
    name_of,
    plan,
    until_text,
)
from contact_registry.zones import add_calendar, first_instant, local_date

TEMPLATES: dict[str, str] = {
    "min_gap.past": "{team} {deed} on {day}; rule '{rule}' allows the next contact from {clears}.",
    "min_gap.no_show": "{team} had {plan} on {day} and nobody came; rule '{rule}' allows the next contact "
    "from {clears}.",
    "min_gap.overdue": "{team} had {plan} planned on {day}; rule '{rule}' allows the next contact from {clears}.",
    "min_gap.future": "{team} has {plan} planned on {day}; nothing may happen within {gap} of it.",
    "hold": "{team} has reserved this person until {until}.",
    "hold.account": "{team} has reserved somebody at {account} until {until}.",
    "frequency_cap.oldest": "{count} of {max} {things} used in {window}; the oldest ({day}) leaves on {clears_day}.",
    "frequency_cap.room": "{count} of {max} {things} used in {window}; there is room again from {clears}.",
    "frequency_cap.account": "{account} has reached {count} {things} in {window}, most recently by {team} on {day}.",
    "blackout": "Rule '{rule}' allows no contact at that time; the next is possible from {clears}.",
    "quiet_hours": "These are quiet hours by rule '{rule}'; contact is possible from {clears}.",
    "quiet_hours.unknown_zone": "Rule '{rule}' needs to know this person's time zone. Record it first.",
    "consent.missing": "Rule '{rule}' needs a valid consent, and there is none. Ask for it or record it.",
    "consent.later": "Rule '{rule}' needs a valid consent; the next one starts on {clears}.",
    "do_not_contact": "Do not contact.",
    "do_not_contact.until": "Do not contact before {clears}.",
    "do_not_contact.source": "Do not contact: {source}.",
    "do_not_contact.source_until": "Do not contact before {clears}: {source}.",
    "answer.eligible": "May be contacted.",
    "answer.unknown_person": "Not on file: may be contacted, and reserving adds the person.",
    "answer.not_before": "Not before {clears}.",
    "answer.reserved": "Reserved by {team} until {until}.",
    "answer.needs_consent": "Not without consent.",
    "answer.do_not_contact": "Do not contact.",
    "answer.not_within_reach": "Not within the next ten years under the rules in force.",
}

_SOURCES = {
    SuppressionSource.OPT_OUT: "opted out",
    SuppressionSource.COMPLAINT: "complained",
    SuppressionSource.HARD_BOUNCE: "mail to this address bounces",
    SuppressionSource.ERASURE: "asked to be erased",
    SuppressionSource.LEGAL: "legal stop",
    SuppressionSource.MANUAL: "entered by hand",
}
_THINGS = {CountBy.TOUCHPOINT: "contacts", CountBy.ENGAGEMENT: "engagements", CountBy.CONTACT: "people"}
_SINGLE = {"contacts": "contact", "engagements": "engagement", "people": "person"}


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence as its template's id and the values put in; `text` is the English of both."""

    id: str
    values: Mapping[str, str]

    @property
    def text(self) -> str:
        return TEMPLATES[self.id].format_map(self.values)


def reason_message(reason: Reason, decision: Decision, teams: Mapping[str, str], sees_privacy: bool = False) -> str:
    """Why this rule says no, in one sentence. `teams`: names by id."""
    return explain(reason, decision, teams, sees_privacy).text


def decision_message(decision: Decision, teams: Mapping[str, str], sees_privacy: bool = False) -> str:
    """The whole answer in one sentence, the first reason told where there is one."""
    return answer(decision, teams, sees_privacy).text


def explain(reason: Reason, decision: Decision, teams: Mapping[str, str], sees_privacy: bool = False) -> Message:
    """The message of one failing rule."""
    words = _Words(decision, teams)
    if reason.code is ReasonCode.DO_NOT_CONTACT:
        return _stop(reason, words, sees_privacy)
    if reason.code is ReasonCode.MIN_GAP:
        return _gap(reason, words)
    if reason.code is ReasonCode.FREQUENCY_CAP:
        return _cap(reason, words)
    if reason.code is ReasonCode.CONSENT:
        return words.message("consent.missing" if reason.clears_at is None else "consent.later", reason)
    if reason.code is ReasonCode.QUIET_HOURS and _zone_is_missing(reason, decision):
        return words.message("quiet_hours.unknown_zone", reason)
    return words.message(reason.code.value, reason)


def answer(decision: Decision, teams: Mapping[str, str], sees_privacy: bool = False) -> Message:
    """The message of the whole answer."""
    words = _Words(decision, teams)
    if decision.eligible:
        unknown = decision.badge is Badge.UNKNOWN_PERSON
        return Message("answer.unknown_person" if unknown else "answer.eligible", {})
    first = decision.reasons[0]
    if first.code is ReasonCode.DO_NOT_CONTACT:
        return _stop(first, words, sees_privacy)
    if decision.badge is Badge.RESERVED:
        return words.hold("answer.reserved", first)
    if decision.next_eligible_at is not None:
        return Message("answer.not_before", {"clears": moment_text(decision.next_eligible_at, decision.zone)})
    if any(reason.code is ReasonCode.DO_NOT_CONTACT for reason in decision.reasons):
        return Message("answer.do_not_contact", {})
    if first.code is ReasonCode.CONSENT:
        return Message("answer.needs_consent", {})
    return Message("answer.not_within_reach", {})


class _Words:
    """The values that templates ask for, written for the reader of one decision."""

    def __init__(self, decision: Decision, teams: Mapping[str, str]) -> None:
        self.decision = decision
        self.now = decision.checked_at
        self.zone = decision.zone
        self._teams = dict(teams)
        self.today = local_date(self.now, self.zone)
        self.account = decision.account_name or "This account"

    def message(self, template: str, reason: Reason, **values: str) -> Message:
        values["rule"] = reason.policy_name
        values["account"] = self.account
        if reason.clears_at is not None:
            values["clears"] = moment_text(reason.clears_at, self.zone)
            values["clears_day"] = moment_text(reason.clears_at, self.zone).partition(",")[0]
        return Message(template, values)

    def hold(self, template: str, reason: Reason) -> Message:
        """The hold that lapses last among those in the way."""
        holds = [block for block in reason.blocking if block.expires_at is not None]
        last = max(holds, key=lambda block: block.expires_at or self.now)
        assert last.expires_at is not None, "a live hold has an end"
        return self.message(
            template, reason, team=self.team(last), until=until_text(last.expires_at, self.now, self.zone)
        )

    def team(self, block: Blocking) -> str:
        return name_of(block.team, self._teams)

    def day(self, block: Blocking) -> date:
        if block.date is not None:
            return block.date
        assert block.at is not None, "a touchpoint has an instant or a date"
        return local_date(block.at, self.zone)

    def start(self, block: Blocking) -> datetime:
        return block.at if block.at is not None else first_instant(self.day(block), self.zone)


def _stop(reason: Reason, words: _Words, sees_privacy: bool) -> Message:
    template = "do_not_contact.source" if sees_privacy else "do_not_contact"
    if reason.clears_at is not None:
        template = "do_not_contact.source_until" if sees_privacy else "do_not_contact.until"
    source = {"source": _SOURCES[reason.source]} if sees_privacy and reason.source is not None else {}
    return words.message(template, reason, **source)


def _gap(reason: Reason, words: _Words) -> Message:
    if _only_holds(reason):
        return words.hold("hold.account" if reason.level is Level.ACCOUNT else "hold", reason)
    block = _nearest(reason, words)
    whom = f"somebody at {words.account}" if reason.level is Level.ACCOUNT else None
    gap = reason.policy.gap if reason.policy is not None else None
    return words.message(
        _gap_template(block, words),
        reason,
        team=words.team(block),
        deed=deed(block.channel, whom),
        plan=plan(block.channel, whom),
        day=day_text(words.day(block)),
        gap=length_text(gap) if gap is not None else "the gap",
    )


def _gap_template(block: Blocking, words: _Words) -> str:
    if block.status is TouchpointStatus.NO_SHOW:
        return "min_gap.no_show"
    if block.status in (TouchpointStatus.PLANNED, TouchpointStatus.RESERVED):
        return "min_gap.future" if words.start(block) > words.now else "min_gap.overdue"
    return "min_gap.past"


def _cap(reason: Reason, words: _Words) -> Message:
    if _only_holds(reason):
        return words.hold("hold.account" if reason.level is Level.ACCOUNT else "hold", reason)
    limit = reason.limit
    assert limit is not None, "a cap says how full it is"
    things = _THINGS[reason.policy.count_by if reason.policy is not None else CountBy.TOUCHPOINT]
    number = limit.count if reason.level is Level.ACCOUNT else limit.max_count
    values = {
        "count": str(limit.count),
        "max": str(limit.max_count),
        "things": things if number != 1 else _SINGLE[things],
        "window": length_text(limit.window),
    }
    if reason.level is Level.ACCOUNT:
        latest = _nearest(reason, words)
        day = day_text(words.day(latest), beside=words.today)
        return words.message("frequency_cap.account", reason, team=words.team(latest), day=day, **values)
    oldest = reason.blocking[0]
    if limit.count == limit.max_count and _leaves_at_clearing(oldest, reason, limit, words):
        leaves = local_date(reason.clears_at, words.zone) if reason.clears_at is not None else None
        day = day_text(words.day(oldest), beside=leaves)
        return words.message("frequency_cap.oldest", reason, day=day, **values)
    return words.message("frequency_cap.room", reason, **values)


def _leaves_at_clearing(oldest: Blocking, reason: Reason, limit: Limit, words: _Words) -> bool:
    """Whether the rule clears because the oldest leaves the window, and not for some other reason."""
    policy, clears_at = reason.policy, reason.clears_at
    if policy is None or clears_at is None:
        return False
    if policy.basis is Basis.ELAPSED:
        return oldest.at is not None and oldest.at + limit.window.elapsed == clears_at
    zone = words.zone if policy.tz in (None, "contact") else policy.tz
    assert zone is not None, "a policy has a zone of its own or the person's"
    day = oldest.date if oldest.at is None else local_date(oldest.at, zone)
    return day is not None and first_instant(add_calendar(day, limit.window), zone) == clears_at


def _nearest(reason: Reason, words: _Words) -> Blocking:
    """The last touchpoint up to the asked time, which holds up longest; else the first one after it."""
    before = [block for block in reason.blocking if words.start(block) <= words.decision.at]
    return before[-1] if before else reason.blocking[0]


def _only_holds(reason: Reason) -> bool:
    return all(block.status is TouchpointStatus.RESERVED for block in reason.blocking)


def _zone_is_missing(reason: Reason, decision: Decision) -> bool:
    policy = reason.policy
    blocks = policy is not None and policy.on_unknown_tz is OnUnknownZone.BLOCK and policy.tz == "contact"
    return blocks and decision.zone_source is ZoneSource.WORKSPACE
