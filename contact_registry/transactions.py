"""One transaction per call, run again when PostgreSQL asked for it or when the ground moved under it."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from core.database import Database
from core.errors import Unavailable

_RETRIED_STATES = {"40001", "40P01"}  # serialization failure, deadlock: somebody else went first
_ATTEMPTS = 8

T = TypeVar("T")


class ChangedMeanwhileError(Exception):
    """A person was merged or changed employer between reading and locking them: start again."""


def run(database: Database, work: Callable[[Session], T]) -> T:
    """Return what `work` returns, committed. Raises what it raises, and Unavailable when it never got through."""
    for attempt in range(_ATTEMPTS):
        try:
            with database.write() as session:
                return work(session)
        except ChangedMeanwhileError:
            pass
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _RETRIED_STATES:
                raise
        time.sleep(random.uniform(0, 0.01 * 2**attempt))
    raise Unavailable("registry_busy", "Too many changes of the same people at once: ask again in a second.")
