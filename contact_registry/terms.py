"""The registry's fixed words: kinds, levels, statuses, sources, codes; each is the text of the API and
the rows.
"""

from __future__ import annotations

from enum import StrEnum


class TouchpointStatus(StrEnum):
    RESERVED = "reserved"
    PLANNED = "planned"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # derived: reserved and now >= expires_at; never stored
    VOIDED = "voided"


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"


class PolicyKind(StrEnum):
    MIN_GAP = "min_gap"
    FREQUENCY_CAP = "frequency_cap"
    BLACKOUT = "blackout"
    QUIET_HOURS = "quiet_hours"
    CONSENT_REQUIRED = "consent_required"


class Level(StrEnum):
    CONTACT = "contact"
    ACCOUNT = "account"


class Basis(StrEnum):
    ELAPSED = "elapsed"
    CALENDAR = "calendar"


class CountBy(StrEnum):
    TOUCHPOINT = "touchpoint"
    ENGAGEMENT = "engagement"
    CONTACT = "contact"


class SameEngagement(StrEnum):
    IGNORE = "ignore"
    COUNT = "count"


class OnUnknownZone(StrEnum):
    WORKSPACE = "workspace"  # read the wall clock in the workspace's zone
    BLOCK = "block"  # nobody knows what time it is there, so do not call


class SuppressionSource(StrEnum):
    OPT_OUT = "opt_out"
    COMPLAINT = "complaint"
    HARD_BOUNCE = "hard_bounce"
    ERASURE = "erasure"
    LEGAL = "legal"
    MANUAL = "manual"


class ConsentState(StrEnum):
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class ReasonCode(StrEnum):
    """Why not, in the fixed order of answers; the first gives the status and the badge."""

    DO_NOT_CONTACT = "do_not_contact"
    CONSENT = "consent"
    MIN_GAP = "min_gap"
    FREQUENCY_CAP = "frequency_cap"
    BLACKOUT = "blackout"
    QUIET_HOURS = "quiet_hours"


class Verdict(StrEnum):
    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"


class Status(StrEnum):
    """The one-word answer of a check: `eligible`, or what the first reason means."""

    ELIGIBLE = "eligible"
    DO_NOT_CONTACT = "do_not_contact"
    CONSENT_MISSING = "consent_missing"
    COOLING_DOWN = "cooling_down"
    CAPPED = "capped"
    BLACKOUT = "blackout"
    QUIET_HOURS = "quiet_hours"


class Badge(StrEnum):
    """What a page shows; `reserved` and `unknown_person` exist only here."""

    ELIGIBLE = "eligible"
    COOLING_DOWN = "cooling_down"
    LIMIT_REACHED = "limit_reached"
    RESERVED = "reserved"  # only live holds stand in the way
    NOT_NOW = "not_now"
    NEEDS_CONSENT = "needs_consent"
    DO_NOT_CONTACT = "do_not_contact"
    UNKNOWN_PERSON = "unknown_person"  # eligible, and reserving will add the person


class ZoneSource(StrEnum):
    CONTACT = "contact"
    ACCOUNT = "account"
    WORKSPACE = "workspace"


# Statuses that count unless a policy names others.
LIVE_STATUSES = frozenset(
    {
        TouchpointStatus.RESERVED,
        TouchpointStatus.PLANNED,
        TouchpointStatus.COMPLETED,
        TouchpointStatus.NO_SHOW,
    }
)

# Sources that stop service messages too; the others stop outreach.
HARD_SOURCES = frozenset({SuppressionSource.LEGAL, SuppressionSource.ERASURE})
