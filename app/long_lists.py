"""Works on the registry's long lists in a thread of its own, while the server or a worker runs."""

import logging

from sqlalchemy.exc import SQLAlchemyError

from app.periodic import Background
from contact_registry.list_worker import ListWorker

LOOKS_EVERY_S = 1.0
PAUSE_S = 0.02  # between two pieces, so that requests get at this process
# SQLite looks every tenth of a second whether the writer is free: who pauses for less never lets anybody in.
TURN_OF_OTHERS_S = 0.15

logger = logging.getLogger(__name__)


class LongLists(Background):
    """Answers a piece at a time until it is stopped; what is left goes on at the next start."""

    def __init__(self, worker: ListWorker) -> None:
        super().__init__("long-lists")
        self._worker = worker

    def _run(self) -> None:
        while not self._ended.is_set():
            is_busy = False
            try:
                is_busy = self._worker.step()
            except SQLAlchemyError:  # a busy or unreachable database is asked again
                logger.warning("the long lists wait for the database", exc_info=True)
            pause_s = TURN_OF_OTHERS_S if self._worker.holds_writer else PAUSE_S
            self._ended.wait(pause_s if is_busy else LOOKS_EVERY_S)
