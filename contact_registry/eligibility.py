"""One evaluator for check, claim, batch, import preview and simulation: rules, facts and a question in, a
decision out.

`eligible(t)` = no suppression covers the proposal and every policy that is in season at t, gates the
proposal and is not superseded passes. The next eligible instant is found by iterating over the instants
at which single rules clear; it is not the maximum of those. Pure: the clock reading comes in as `now`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from contact_registry.policies import judge_for
from contact_registry.policies.case import Case, Finding, Judge, passes_at_a_glance, restrains
from contact_registry.policies.frequency_cap import FrequencyCap
from contact_registry.suppression import covers, in_force
from contact_registry.values import (
    Badge,
    Decision,
    History,
    Level,
    Limit,
    Policy,
    PolicyKind,
    Question,
    Reason,
    ReasonCode,
    RuleBook,
    Status,
    SuppressionFact,
    TouchpointStatus,
    Verdict,
)
from contact_registry.zones import zone_of_contact

HORIZON = timedelta(days=3653)  # ten years; what is further away is "not without somebody changing something"
_QUIET_FOR_GOOD = timedelta(days=400)  # more than a year of clock changes

_CODES = {
    PolicyKind.MIN_GAP: ReasonCode.MIN_GAP,
    PolicyKind.FREQUENCY_CAP: ReasonCode.FREQUENCY_CAP,
    PolicyKind.BLACKOUT: ReasonCode.BLACKOUT,
    PolicyKind.QUIET_HOURS: ReasonCode.QUIET_HOURS,
    PolicyKind.CONSENT_REQUIRED: ReasonCode.CONSENT,
}
_ORDER = {code: place for place, code in enumerate(ReasonCode)}
_MEANING = {
    ReasonCode.DO_NOT_CONTACT: (Status.DO_NOT_CONTACT, Badge.DO_NOT_CONTACT),
    ReasonCode.CONSENT: (Status.CONSENT_MISSING, Badge.NEEDS_CONSENT),
    ReasonCode.MIN_GAP: (Status.COOLING_DOWN, Badge.COOLING_DOWN),
    ReasonCode.FREQUENCY_CAP: (Status.CAPPED, Badge.LIMIT_REACHED),
    ReasonCode.BLACKOUT: (Status.BLACKOUT, Badge.NOT_NOW),
    ReasonCode.QUIET_HOURS: (Status.QUIET_HOURS, Badge.NOT_NOW),
}


def evaluate(rules: RuleBook, history: History, question: Question, now: datetime) -> Decision:
    """May this proposal be made, and if not, why not and from when on.

    `now` only decides which reservations are live; they are taken as permanent for `next_eligible_at`, and
    `may_improve_at` says when one of them may lapse to a better answer.
    """
    reasons: tuple[Reason, ...] = ()
    next_at: datetime | None = question.at
    may_improve_at = None
    if not _nothing_is_near(rules, history, question):
        bench = _Bench(rules, history, question, now)
        reasons = bench.reasons(question.at)
        if reasons:
            next_at = bench.next_eligible(question.at)
            may_improve_at = _may_improve_at(rules, history, question, now, next_at)
    zone, zone_source = zone_of_contact(question.contact, rules.tz)
    status, badge = _meaning(reasons, known=question.contact.id is not None)
    return Decision(
        decision=Verdict.INELIGIBLE if reasons else Verdict.ELIGIBLE,
        status=status,
        badge=badge,
        contact=question.contact.id,
        at=question.at,
        checked_at=now,
        next_eligible_at=next_at,
        may_improve_at=may_improve_at,
        reasons=reasons,
        policy_version=rules.version,
        zone=zone,
        zone_source=zone_source,
        account_name=question.contact.account_name or question.contact.account,
    )


def is_eligible(rules: RuleBook, history: History, question: Question, now: datetime) -> bool:
    """The verdict alone: no dates are searched."""
    return not _Bench(rules, history, question, now).fails(question.at)


def failing_refs(rules: RuleBook, history: History, question: Question, now: datetime) -> tuple[str, ...]:
    """The ids of the failing policies and suppressions in the order of reasons; no dates are searched."""
    return _Bench(rules, history, question, now).refs(question.at)


def usage_of_caps(
    rules: RuleBook, history: History, question: Question, now: datetime
) -> tuple[tuple[Policy, Limit], ...]:
    """How full each cap that gates the proposal is, the proposal not counted: "2 of 3 used in 90 days"."""
    return _Bench(rules, history, question, now).usage(question.at)


def _nothing_is_near(rules: RuleBook, history: History, question: Question) -> bool:
    """Whether there is no stop and every rule passes at a glance or is not for this proposal: so for most people."""
    return not history.suppressions and all(
        passes_at_a_glance(policy, history, question.at) or not restrains(policy, question, rules.service_purposes)
        for policy in rules.policies
    )


class _Rule:
    """A policy that gates the proposal: when it is in force, and its judge, made when first needed."""

    __slots__ = ("_answer", "_case", "_judge", "code", "policy", "superseders")

    def __init__(self, policy: Policy, case: Case, superseders: tuple[Policy, ...]) -> None:
        self.policy = policy
        self.superseders = superseders
        self.code = _CODES[policy.kind]
        self._case = case
        self._judge: Judge | None = None
        self._answer: tuple[datetime, datetime | None] | None = None

    @property
    def judge(self) -> Judge:
        if self._judge is None:
            self._judge = judge_for(self.policy, self._case)
        return self._judge

    def finding(self, at: datetime) -> Finding | None:
        if passes_at_a_glance(self.policy, self._case.history, at) or not self.is_active(at):
            return None
        return self.judge.finding(at)

    def clears_at(self, at: datetime) -> datetime | None:
        """The least instant from `at` on at which the rule passes or is not in force."""
        if self._answer is None or self._answer[0] != at:
            self._answer = (at, self._clears_at(at))
        return self._answer[1]

    def goes_out_of_force(self, at: datetime) -> datetime | None:
        """The next instant after `at` at which its season ends or that of a rule that supersedes it
        begins.
        """
        edges = [q.effective_from for q in self.superseders if q.effective_from and q.effective_from > at]
        if self.policy.effective_until is not None and self.policy.effective_until > at:
            edges.append(self.policy.effective_until)
        return min(edges, default=None)

    def _clears_at(self, at: datetime) -> datetime | None:
        if passes_at_a_glance(self.policy, self._case.history, at) or not self.is_active(at):
            return at
        clears = self.judge.clears_at(at)
        edge = self.goes_out_of_force(at)
        if clears is None or edge is None:
            return clears or edge
        return min(clears, edge)

    def is_active(self, at: datetime) -> bool:
        if not _in_season(self.policy, at):
            return False
        return not self.superseders or not any(_in_season(q, at) for q in self.superseders)


class _Bench:
    """Everything that judges one proposal."""

    def __init__(self, rules: RuleBook, history: History, question: Question, now: datetime) -> None:
        service = rules.service_purposes
        zone, _ = zone_of_contact(question.contact, rules.tz)
        self._case = Case(rules, history, question, now, zone)
        self._stops = [stop for stop in history.suppressions if covers(stop, question, service)]
        gating = [policy for policy in rules.policies if restrains(policy, question, service)]
        superseding = [policy for policy in gating if policy.supersedes]
        self._rules = [
            _Rule(policy, self._case, tuple(q for q in superseding if policy.id in q.supersedes) if superseding else ())
            for policy in gating
        ]

    def fails(self, at: datetime) -> bool:
        return any(in_force(stop, at) for stop in self._stops) or any(rule.finding(at) for rule in self._rules)

    def refs(self, at: datetime) -> tuple[str, ...]:
        failing = [(ReasonCode.DO_NOT_CONTACT, stop.id) for stop in self._stops if in_force(stop, at)]
        failing += [(rule.code, rule.policy.id) for rule in self._rules if rule.finding(at) is not None]
        return tuple(ref for code, ref in sorted(failing, key=lambda item: (_ORDER[item[0]], item[1])))

    def usage(self, at: datetime) -> tuple[tuple[Policy, Limit], ...]:
        caps = [(rule.policy, rule.judge) for rule in self._rules if rule.is_active(at)]
        return tuple((policy, judge.usage(at)) for policy, judge in caps if isinstance(judge, FrequencyCap))

    def reasons(self, at: datetime) -> tuple[Reason, ...]:
        """Every failing rule, by the fixed order of codes and then by id."""
        found = [self._stop_reason(stop) for stop in self._stops if in_force(stop, at)]
        for rule in self._rules:
            finding = rule.finding(at)
            if finding is not None:
                found.append(self._policy_reason(rule, finding, at))
        return tuple(sorted(found, key=lambda reason: (_ORDER[reason.code], reason.ref)))

    def next_eligible(self, at: datetime) -> datetime | None:
        """The least instant from `at` on at which all rules pass together; None beyond ten years or never.

        Any common instant is at or after each rule's own next one, so going from rule to rule reaches the
        least.
        """
        limit = at + HORIZON
        x = moved_by_others = at
        while x <= limit:
            before = x
            for stop in self._stops:
                if in_force(stop, x):
                    if stop.ends_at is None:
                        return None
                    x = stop.ends_at
            quiet: list[_Rule] = []
            for rule in self._rules:
                clears = rule.clears_at(x)
                if clears is None:
                    return None
                if clears > x:
                    if rule.policy.kind is PolicyKind.QUIET_HOURS:
                        quiet.append(rule)
                    else:
                        moved_by_others = clears
                    x = clears
            if x == before:
                return x
            if quiet and x - moved_by_others > _QUIET_FOR_GOOD:
                # These windows leave no gap between them: only the end of a season can help.
                edges = [edge for rule in quiet if (edge := rule.goes_out_of_force(x)) is not None]
                if not edges:
                    return None
                x = moved_by_others = min(edges)
        return None

    def _policy_reason(self, rule: _Rule, finding: Finding, at: datetime) -> Reason:
        policy = rule.policy
        return Reason(
            code=rule.code,
            ref=policy.id,
            policy_name=policy.title,
            policy_version=self._case.rules.version,
            level=policy.level,
            blocking=finding.blocking,
            limit=finding.limit,
            clears_at=rule.clears_at(at),
            overridable=policy.overridable and policy.kind is not PolicyKind.CONSENT_REQUIRED,
            policy=policy,
        )

    def _stop_reason(self, stop: SuppressionFact) -> Reason:
        return Reason(
            code=ReasonCode.DO_NOT_CONTACT,
            ref=stop.id,
            policy_name="",
            policy_version=self._case.rules.version,
            level=Level.ACCOUNT if stop.account is not None else Level.CONTACT,
            blocking=(),
            limit=None,
            clears_at=stop.ends_at,
            overridable=False,
            source=stop.source,
        )


def _in_season(policy: Policy, at: datetime) -> bool:
    begun = policy.effective_from is None or policy.effective_from <= at
    return begun and (policy.effective_until is None or at < policy.effective_until)


def _meaning(reasons: tuple[Reason, ...], *, known: bool) -> tuple[Status, Badge]:
    if not reasons:
        return Status.ELIGIBLE, Badge.ELIGIBLE if known else Badge.UNKNOWN_PERSON
    status, badge = _MEANING[reasons[0].code]
    if all(reason.blocking and all(_is_hold(b.status) for b in reason.blocking) for reason in reasons):
        badge = Badge.RESERVED
    return status, badge


def _is_hold(status: TouchpointStatus) -> bool:
    return status is TouchpointStatus.RESERVED


def _may_improve_at(
    rules: RuleBook, history: History, question: Question, now: datetime, next_at: datetime | None
) -> datetime | None:
    """The earliest expiry of a live hold after which the answer would be better (eligible at an earlier
    instant).
    """
    holds = {
        fact.id: fact.expires_at
        for timeline in (history.contact, history.account)
        for fact in timeline
        if fact.expires_at is not None and fact.status_at(now) is TouchpointStatus.RESERVED
    }
    if not holds:
        return None
    for expiry in sorted(set(holds.values())):
        lapsed = frozenset(hold for hold, expires_at in holds.items() if expires_at <= expiry)
        without = replace(question, ignoring=question.ignoring | lapsed)
        better = _Bench(rules, history, without, now).next_eligible(question.at)
        if better is not None and (next_at is None or better < next_at):
            return expiry
    return None
