"""The values search speaks in: what is asked, what is found, and the arrays between model and index.

`app` makes requests and reads answers; the service, the ports and their adapters exchange the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.visibility import EVERYBODY, Viewer

Mode = Literal["hybrid", "semantic", "keyword"]
Kind = Literal["recording", "transcript"]

Vectors = npt.NDArray[np.float32]  # (n, dim), rows L2-normalised; a single vector is (dim,)
Ids = npt.NDArray[np.int64]  # of windows, in the vector index
Scores = npt.NDArray[np.float32]

# Called with how much of a long piece of work is done: 0 … 1, never going back.
OnProgress = Callable[[float], None]

MAX_QUERY_CHARACTERS = 1000
MAX_RESULTS = 50
MAX_RESULT_WORDS = 400


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """Conditions that every result meets; None asks nothing. `from_at` and `to_at` are both inclusive."""

    project: str | None = None
    team: str | None = None
    speaker: str | None = None  # somebody who speaks in the moment itself; letter case does not matter
    tag: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    language: str | None = None
    kind: Kind | None = None  # "recording": there is sound; "transcript": the text was given


@dataclass(frozen=True, slots=True)
class SearchRequest:
    query: str
    mode: Mode = "hybrid"
    limit: int = 10
    filters: SearchFilters = SearchFilters()
    viewer: Viewer = EVERYBODY


@dataclass(frozen=True, slots=True)
class FoundInterview:
    id: str
    external_id: str | None
    title: str
    recorded_at: datetime | None
    project: str | None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One moment: segments `first_segment` to `last_segment` (0-based, inclusive), at most 400 words.

    `highlights` are [from, to) character offsets into `text` of the words that were asked for.
    `score` falls from result to result; it compares results of one answer, nothing else.
    """

    interview: FoundInterview
    first_segment: int
    last_segment: int
    start_ms: int | None
    end_ms: int | None
    speakers: tuple[str, ...]
    text: str
    highlights: tuple[tuple[int, int], ...]
    score: float


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    query: str
    mode: Mode
    took_ms: float
    results: tuple[SearchResult, ...]


@dataclass(frozen=True, slots=True)
class Nearest:
    """Vectors by falling inner product: `ids` (k,) and `scores` (k,)."""

    ids: Ids
    scores: Scores


@dataclass(frozen=True, slots=True)
class PassagePlace:
    """Segments `first_segment` to `last_segment` (inclusive) of an interview."""

    interview_id: str
    first_segment: int
    last_segment: int


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What `earshot doctor` and the pages show of the index."""

    model: str
    interviews: int  # that are indexed
    windows: int  # of those: what is embedded, about 200 words each
    vectors: int  # of the windows, by the model that answers questions
    indexed: int  # vectors in this process's index
    is_complete: bool
    waiting_model: str | None = None  # the configured model, while the vectors in use are still another one's
