"""The values search speaks in: what is asked, what is found, and the arrays between model and index.

`app` makes requests and reads answers; the service, the ports and their adapters exchange the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from core.visibility import EVERYBODY, Viewer

Mode = Literal["hybrid", "semantic", "keyword"]
Kind = Literal["recording", "transcript"]

Vectors = npt.NDArray[np.float32]  # (n, dim), rows L2-normalised; a single vector is (dim,)
Ids = npt.NDArray[np.int64]  # of windows, in the vector index
Scores = npt.NDArray[np.float32]
Spans = tuple[tuple[int, int], ...]  # [from, to) character offsets into a text, in order

# Called with how much of a long piece of work is done: 0 … 1, never going back.
OnProgress = Callable[[float], None]

_UTC = ZoneInfo("UTC")

MAX_QUERY_CHARACTERS = 1000
MAX_RESULTS = 50
MAX_RESULT_WORDS = 400
MOMENTS_OF_ONE = 3  # of an interview, where results are grouped


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
    voices: frozenset[tuple[str, str]] | None = None  # (interview, speaker): one of them speaks in the moment itself


@dataclass(frozen=True, slots=True)
class SearchRequest:
    query: str
    mode: Mode = "hybrid"
    limit: int = 10
    filters: SearchFilters = SearchFilters()
    viewer: Viewer = EVERYBODY
    zone: ZoneInfo = _UTC  # in which `before:2026-05-01` begins
    is_grouped: bool = False  # by interview: the best moments of each, `limit` interviews
    with_facets: bool = False
    with_sentences: bool = False  # mark the nearest sentence where no word is marked: some more embedding


@dataclass(frozen=True, slots=True)
class SimilarRequest:
    """Moments like segments `first_segment` to `last_segment` (0-based, inclusive) of an interview."""

    interview_id: str
    first_segment: int
    last_segment: int
    limit: int = 10
    viewer: Viewer = EVERYBODY
    with_sentences: bool = False  # mark in each the sentence nearest to this one


@dataclass(frozen=True, slots=True)
class SuggestionRequest:
    beginning: str
    limit: int = 10
    viewer: Viewer = EVERYBODY


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`text` is what is shown, `query` what is then asked."""

    kind: Literal["word", "phrase", "speaker", "tag", "project"]
    text: str
    query: str


@dataclass(frozen=True, slots=True)
class FoundInterview:
    id: str
    external_id: str | None
    title: str
    recorded_at: datetime | None
    project: str | None


@dataclass(frozen=True, slots=True)
class SpeakerShare:
    """`share` is of all words that are said in the moment, 0 … 1."""

    speaker: str
    share: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment begins: `start_ms` into the recording, `offset` characters into the text of a moment."""

    segment: int
    start_ms: int | None
    offset: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One moment: segments `first_segment` to `last_segment` (0-based, inclusive), at most 400 words.

    `highlights` are the words in `text` that were asked for.
    `score` falls from result to result; it compares results of one answer, nothing else.
    `sentence` is where a moment without any of those words comes nearest to the question.
    `found` is where to open it: at the segment from which most of that is said together, or else at the first.
    """

    interview: FoundInterview
    first_segment: int
    last_segment: int
    start_ms: int | None
    end_ms: int | None
    speakers: tuple[str, ...]
    text: str
    highlights: Spans
    score: float
    found: Place
    speaker_shares: tuple[SpeakerShare, ...] = ()
    sentence: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """An interview's best moments, best first."""

    interview: FoundInterview
    results: tuple[SearchResult, ...]


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: str
    count: int  # of interviews


@dataclass(frozen=True, slots=True)
class Correction:
    """`typed` stands nowhere; `used` were looked for instead."""

    typed: str
    used: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """Grouped, `results` are each interview's best moment. `facets` are None unless they were asked for."""

    query: str
    mode: Mode
    took_ms: float
    results: tuple[SearchResult, ...]
    corrections: tuple[Correction, ...] = ()
    groups: tuple[Group, ...] | None = None
    facets: dict[str, tuple[FacetValue, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """Vectors that are near to another one, in no order: `ids` (k,) and their inner products `scores` (k,)."""

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
