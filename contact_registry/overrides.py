"""What an override may pass: every failing rule that it names and that allows it, and nothing else.

Called by claims inside their transaction, on the decision just made; an override written for one rule never
passes another that appeared since.
"""

from __future__ import annotations

from dataclasses import dataclass

from contact_registry.values import Decision, Reason
from core.errors import Forbidden, InvalidInput

SHORTEST_REASON = 10


@dataclass(frozen=True, slots=True)
class Override:
    """Rules to pass, and why. `reason` is free text of people: never logged, never in an error."""

    refs: frozenset[str]
    reason: str
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """`overridden`: ids of the rules passed, in the order of reasons. `refusing`: the reasons that still
    stand.
    """

    overridden: tuple[str, ...]
    refusing: tuple[Reason, ...]

    @property
    def passes(self) -> bool:
        return not self.refusing


def check_override(override: Override) -> None:
    """Refuse an override without a reason, whatever the state. Raises InvalidInput
    `override_reason_required`.
    """
    if len(override.reason.strip()) < SHORTEST_REASON:
        raise InvalidInput(
            "override_reason_required",
            f"Say in at least {SHORTEST_REASON} characters why this person may be contacted all the same.",
            field="override.reason",
        )


def settle(decision: Decision, override: Override | None) -> Settlement:
    """Which failing rules the override passes and which still refuse.

    Raises Forbidden `override_not_allowed` when it names a failing rule that nobody may override (an opt-
    out, a missing consent, a policy marked so), and InvalidInput when it gives no reason.
    """
    if override is None:
        return Settlement((), decision.reasons)
    check_override(override)
    named = [reason for reason in decision.reasons if reason.ref in override.refs]
    hard = [reason.ref for reason in named if not reason.overridable]
    if hard:
        raise Forbidden(
            "override_not_allowed",
            "One of the named rules may not be overridden by anybody. Respect it.",
            refs=hard,
        )
    refusing = tuple(reason for reason in decision.reasons if reason.ref not in override.refs)
    return Settlement(tuple(reason.ref for reason in named), refusing)
