"""Which rules stand beside one that is superseded: the commonest surprise of `supersedes`.

Rules all hold together, so loosening one changes nothing where another of its kind still restrains the same contacts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contact_registry.values import AppliesTo, Policy
from contact_registry.wording import list_text


def overlap_notes(policies: Sequence[Policy]) -> dict[str, list[str]]:
    """Return policy id → sentences: which rules set it aside, and which it goes on beside though one was set aside."""
    notes: dict[str, list[str]] = {policy.id: [] for policy in policies}
    for policy in policies:
        above = [other for other in policies if policy.id in other.supersedes]
        if above:
            names = list_text([f"“{other.title}”" for other in above], "or")
            notes[policy.id].append(f"Set aside where {names} applies.")
        for superseded, by in _beside(policy, policies):
            notes[policy.id].append(
                f"Overlaps “{superseded.title}”, which “{by.title}” sets aside: this rule still holds there."
            )
    return {key: found for key, found in notes.items() if found}


def _beside(policy: Policy, policies: Sequence[Policy]) -> Iterator[tuple[Policy, Policy]]:
    """Yield (superseded rule, by which) whose contacts this rule restrains in the same way and is not set aside."""
    by_id = {other.id: other for other in policies}
    for above in policies:
        if above is policy or policy.id in above.supersedes:
            continue
        for ref in above.supersedes:
            superseded = by_id[ref]
            if superseded is not policy and _is_alike(policy, superseded) and _meet(policy, above):
                yield superseded, above


def _is_alike(one: Policy, other: Policy) -> bool:
    return (one.kind, one.level) == (other.kind, other.level)


def _meet(one: Policy, other: Policy) -> bool:
    """Say whether some contact at some time is restrained by both."""
    return _scopes_meet(one.applies_to, other.applies_to) and not (_ends_before(one, other) or _ends_before(other, one))


def _ends_before(one: Policy, other: Policy) -> bool:
    ends, begins = one.effective_until, other.effective_from
    return ends is not None and begins is not None and ends <= begins


def _scopes_meet(one: AppliesTo, other: AppliesTo) -> bool:
    pairs = (
        (one.teams, other.teams),
        (one.channels, other.channels),
        (one.purposes, other.purposes),
        (one.accounts, other.accounts),
        (one.contacts, other.contacts),
    )  # not segments: a person has several
    return all(mine is None or theirs is None or mine & theirs for mine, theirs in pairs)
