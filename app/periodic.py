"""Work that a server does now and then, in a thread of its own: at the start, then again after each pause."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Background(ABC):
    """A thread beside the server; what it does is `_run`, until `_ended` is set."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the present piece of work."""
        self._ended.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None: ...


class Periodic(Background):
    """Calls `work` until it is stopped. What goes wrong is logged and tried again after the next pause."""

    def __init__(self, name: str, work: Callable[[], object], every_s: float) -> None:
        super().__init__(name)
        self._work = work
        self._every_s = every_s

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._work()
            except Exception:  # a busy database or a full disk must not end it for the life of the server
                logger.exception("%s failed; it is tried again later", self._name)
            self._ended.wait(self._every_s)
