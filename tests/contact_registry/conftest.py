"""How many examples property tests draw, and a PostgreSQL to race on.

Few examples by default and always the same, many in `make test-long`.

EARSHOT_HYPOTHESIS_PROFILE=long draws 2,000 fresh ones per property; EARSHOT_HYPOTHESIS_EXAMPLES sets any
number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.contact_registry.postgres_cluster import URL_VARIABLE, find_programs, postgres_cluster

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


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of an empty PostgreSQL: the one that is named, else a cluster of the module's own."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: neither initdb on this machine nor " + URL_VARIABLE)
    with postgres_cluster(programs) as address:
        yield address
