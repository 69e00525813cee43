"""Files too long to be answered at once, for `earshot contacts check | import`: the server's job, worked on here.

A server of the same workspace may take the job up first; then the command waits for it. Nothing of it is kept.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from sqlalchemy.exc import OperationalError

from app.long_lists import TURN_OF_OTHERS_S
from contact_registry.list_worker import ListWorker
from contact_registry.schemas_lists import JobOut
from contact_registry.service import RegistryService

LOOKS_EVERY_S = 0.5


@contextmanager
def answered(registry: RegistryService, job: JobOut) -> Iterator[JobOut]:
    """Work until the job has ended, telling each tenth of it on stderr; at the end of the block forget it.

    Broken off (Ctrl+C) it is forgotten as well; the rows that an import has brought in by then stay, as one import.
    """
    worker = registry.list_worker(only=job.id)
    tenths = 0
    try:
        while job.status in ("queued", "running"):
            time.sleep(_step(worker))
            job = registry.lists.get(job.id, None)
            if int(job.progress * 10) > tenths:
                tenths = int(job.progress * 10)
                typer.echo(f"{job.rows_done} of {job.rows} rows", err=True)
        yield job
    except KeyboardInterrupt:
        job = registry.lists.get(job.id, None)
        if job.import_id is not None:
            typer.echo(f"Broken off: {job.rows_done} rows are in, as {job.import_id}, and can be undone.", err=True)
        raise
    finally:
        registry.lists.forget(job.id)


def _step(worker: ListWorker) -> float:
    """Answer a piece, if the job is ours and the database lets us; return how long to pause, in seconds."""
    try:
        if not worker.step():
            return LOOKS_EVERY_S
    except OperationalError:  # busy: the next look tries again
        return LOOKS_EVERY_S
    return TURN_OF_OTHERS_S if worker.holds_writer else 0
