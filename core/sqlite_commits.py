"""Tells whether anything was committed to a SQLite file since one last asked, by any connection of any process.

`Database.version` asks; what is kept in memory of an older version is out of date. It costs a few microseconds.
"""

import sqlite3
import threading
from pathlib import Path


class SqliteCommits:
    """Watches through a connection of its own that never writes, since a connection does not count what it commits.

    Safe from any thread. Source: https://sqlite.org/pragma.html#pragma_data_version
    """

    def __init__(self, file: Path) -> None:
        self._file = file.absolute()
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._place: tuple[int, int] | None = None  # device and inode of the file that is watched
        self._seen: int | None = None  # the connection's own count: other connections have other ones
        self._version = 0

    def version(self) -> int | None:
        """Return a number that no earlier state of the file had in this process; None where it cannot be read now.

        It may change though nothing was committed (the log was emptied, the watching began anew).
        """
        with self._lock:
            try:
                status = self._file.stat()
                if self._connection is None or self._place != (status.st_dev, status.st_ino):
                    self._watch()
                    self._place = status.st_dev, status.st_ino
                assert self._connection is not None
                ((seen,),) = self._connection.execute("PRAGMA data_version").fetchall()
            except (OSError, sqlite3.Error):
                self._forget()
                return None
            if seen != self._seen:
                self._seen = seen
                self._version += 1
            return self._version

    def close(self) -> None:
        """Let the file go; whoever asks again begins to watch anew."""
        with self._lock:
            self._forget()

    def _watch(self) -> None:
        self._forget()
        # mode=rw: a file that is gone is not made anew
        self._connection = sqlite3.connect(
            f"{self._file.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=1.0
        )
        self._connection.execute("PRAGMA query_only=ON")

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._place = self._seen = None
