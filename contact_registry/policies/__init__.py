"""The five kinds of policy, one file each; `judge_for` finds the judge of a policy."""

from __future__ import annotations

from collections.abc import Callable

from contact_registry.policies.blackout import Blackout
from contact_registry.policies.case import Case, Judge
from contact_registry.policies.consent import ConsentRequired
from contact_registry.policies.frequency_cap import FrequencyCap
from contact_registry.policies.min_gap import MinGap
from contact_registry.policies.quiet_hours import QuietHours
from contact_registry.values import Policy, PolicyKind

_JUDGES: dict[PolicyKind, Callable[[Policy, Case], Judge]] = {
    PolicyKind.MIN_GAP: MinGap,
    PolicyKind.FREQUENCY_CAP: FrequencyCap,
    PolicyKind.BLACKOUT: Blackout,
    PolicyKind.QUIET_HOURS: QuietHours,
    PolicyKind.CONSENT_REQUIRED: ConsentRequired,
}


def judge_for(policy: Policy, case: Case) -> Judge:
    """The judge of this policy for this case."""
    return _JUDGES[policy.kind](policy, case)
