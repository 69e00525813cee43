"""A search with fakes over a real database in a temporary folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.search.factories import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path)
    yield made
    made.database.close()
