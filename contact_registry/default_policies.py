"""The rules of a new workspace (version 0), in force until somebody activates a set of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

DEFAULT_POLICIES: Sequence[Mapping[str, Any]] = (
    {
        "id": "gap30",
        "name": "30-day cool-down",
        "kind": "min_gap",
        "level": "contact",
        "gap": "P30D",
        "applies_to": {},
        "counts": {},
    },
    {
        "id": "person_3_in_90",
        "name": "3 contacts in 90 days",
        "kind": "frequency_cap",
        "level": "contact",
        "max": 3,
        "window": "P90D",
        "applies_to": {},
        "counts": {},
    },
    {
        "id": "account_5_in_30",
        "name": "5 contacts per company in 30 days",
        "kind": "frequency_cap",
        "level": "account",
        "max": 5,
        "window": "P30D",
        "applies_to": {},
        "counts": {},
    },
)
