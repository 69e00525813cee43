"""Slows down whoever asks too often: moving windows, kept in this process's memory.

A process of its own has windows of its own: with N servers the limits are N times as wide. Nothing is ever locked: a
refused attempt is not counted, and a place is free again as soon as an older attempt leaves the window.
"""

import math
import time

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from core.errors import TooManyRequests


class Throttle:
    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, limit: RateLimitItem, *who: str) -> None:
        """Count one request of `who`. Raises TooManyRequests `too_many_requests` with `retry_after`, in seconds."""
        if self._limiter.hit(limit, *who):
            return
        free_at = self._limiter.get_window_stats(limit, *who).reset_time
        wait_s = max(1, math.ceil(free_at - time.time()))
        raise TooManyRequests(
            "too_many_requests", f"That was too often: try again in {_in_words(wait_s)}.", retry_after=wait_s
        )

    def forget(self, limit: RateLimitItem, *who: str) -> None:
        """Begin the window of `who` anew."""
        self._limiter.clear(limit, *who)


def _in_words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
