"""How many examples property tests draw: few by default and always the same, many in `make test-long`.

EARSHOT_HYPOTHESIS_PROFILE=long draws 2,000 fresh ones per property; EARSHOT_HYPOTHESIS_EXAMPLES sets any
number.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_EXAMPLES = os.environ.get("EARSHOT_HYPOTHESIS_EXAMPLES")
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "short",
    max_examples=int(_EXAMPLES or 15),
    derandomize=_EXAMPLES is None,
    deadline=None,
    database=None,
    suppress_health_check=_SLOW,
)
settings.register_profile(
    "long", max_examples=int(_EXAMPLES or 2000), deadline=None, database=None, suppress_health_check=_SLOW
)
settings.load_profile(os.environ.get("EARSHOT_HYPOTHESIS_PROFILE", "short"))
