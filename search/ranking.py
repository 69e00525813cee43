"""From a question to a score for each cell: of every interview, or in a large corpus of those that may answer.

`finding` calls `rank`; `candidates` says where the line between the two is and chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from search.candidates import (
    MEANT_NEAR_SHARE,
    NEAR_SHARE,
    Heard,
    NearWindows,
    candidate_cells,
    choose_excerpt,
    guess_words,
)
from search.cell_index import Corpus, Mask, Numbers
from search.conditions import Conditions
from search.held_words import HeldWord, held_words
from search.index_keeper import IndexKeeper, View
from search.masks import Looking, allowed_cells, allowed_interviews, cells_without, wanted_cells
from search.query_language import TypedQuery
from search.question import Question
from search.scoring import Shares, interview_words, score_cells
from search.term_columns import TermColumns, Topic, find_terms, named_speakers
from search.values import Ids, Mode, Vectors

EXACT_CELLS = 16_000  # up to here every cell is scored
_NOTHING, _NO_TERMS = np.zeros(0), TermColumns((), 0.0)  # in place of words, by meaning alone
_USUAL_WINDOWS = 500  # looked at to know how close a usual window is

Outcome = TypeVar("Outcome")


class Beside(Protocol):
    """Starts some work in another thread and returns what waits for its outcome."""

    def __call__(self, work: Callable[[], Outcome], /) -> Callable[[], Outcome]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """All that one search asks for; `vector` waits for the question's vector, and is None in keyword mode."""

    question: Question
    typed: TypedQuery
    topic: Topic
    conditions: Sequence[Conditions]
    vector: Callable[[], Vectors] | None
    mode: Mode
    beside: Beside


@dataclass(frozen=True, slots=True)
class Ranking:
    """A score for each cell of `part`, which cells may be shown, and of which a moment must hold one; all (n,).

    `held` says what a moment gains by the words it holds.
    """

    part: Corpus
    scores: Numbers
    allowed: Mask
    wanted: Mask | None
    held: tuple[HeldWord, ...]


def rank(keeper: IndexKeeper, view: View, looking: Looking, asked: Asked) -> Ranking:
    """Score what the viewer sees, `looking` at all of it."""
    if view.corpus.size > EXACT_CELLS:
        return _rank_excerpt(keeper, view, looking, asked)
    terms = _terms(view, asked)
    possible = cells_without(looking, asked.typed)
    whole = _NOTHING if asked.mode == "semantic" else interview_words(view.corpus, terms, view.counted, ~possible)
    vector = asked.vector
    closeness = None if vector is None else lambda: keeper.closeness(view.corpus.window_ids, vector())
    return _ranking(looking, asked, terms, whole, possible, Shares.alone(view.counted), closeness)


def _rank_excerpt(keeper: IndexKeeper, view: View, looking: Looking, asked: Asked) -> Ranking:
    corpus = view.corpus
    may = allowed_interviews(looking, asked.conditions, asked.question.phrases)
    vector = asked.vector
    # what is near is found in another thread, while this one counts words
    share = MEANT_NEAR_SHARE if asked.mode == "semantic" else NEAR_SHARE
    near = None if vector is None else asked.beside(lambda: _near_windows(keeper, corpus, vector(), may, share))
    terms = _terms(view, asked)
    heard = None
    if asked.mode != "semantic":
        heard = Heard(guess_words(corpus, terms), interview_words(corpus, terms, view.counted), terms.trust)
    part, shares = choose_excerpt(corpus, heard, near, view.counted, may, terms.speakers)
    # not beside the words of the excerpt: two threads that work in small steps wait for each other's lock longer
    closeness = None if vector is None else lambda: keeper.closeness(part.window_ids, vector())
    here = replace(looking, corpus=part)
    whole = _NOTHING if heard is None else part.of_interviews(heard.whole)
    return _ranking(here, asked, terms, whole, cells_without(here, asked.typed), shares, closeness)


def _terms(view: View, asked: Asked) -> TermColumns:
    if asked.mode == "semantic":
        return replace(_NO_TERMS, speakers=named_speakers(view.corpus, asked.topic))
    terms = find_terms(view.corpus, asked.topic, view.counted)
    # what words are worth beside meaning is no matter where nothing else counts
    return replace(terms, trust=1.0) if asked.vector is None else terms


def _ranking(
    looking: Looking,
    asked: Asked,
    terms: TermColumns,
    whole: Numbers,
    possible: Mask,
    shares: Shares,
    closeness: Callable[[], Numbers] | None,
) -> Ranking:
    part = looking.corpus
    allowed = possible & allowed_cells(looking, asked.conditions)
    wanted = wanted_cells(looking, asked.question, asked.topic, asked.mode)
    scores = score_cells(part, terms, whole, closeness, asked.mode, shares, ~possible)
    is_remembered = asked.mode != "semantic" and not asked.question.is_sentence
    held = held_words(part, terms) if is_remembered else ()
    return Ranking(part, scores, allowed, wanted, tuple(held))


def possible_cells(looking: Looking, asked: Asked) -> Mask:
    """Return (n,) the cells of all that `looking` sees which the words of the query allow, filters or not."""
    possible = cells_without(looking, asked.typed)
    wanted = wanted_cells(looking, asked.question, asked.topic, asked.mode)
    return possible if wanted is None else possible & wanted


def rank_alike(keeper: IndexKeeper, view: View, vector: Vectors) -> tuple[Corpus, Numbers]:
    """Return what was scored and (n,) how nearly each cell of it means what `vector` means."""
    corpus, terms = view.corpus, _NO_TERMS
    part, shares = corpus, Shares.alone(view.counted)
    if corpus.size > EXACT_CELLS:
        everywhere = np.ones(len(corpus.interviews), dtype=bool)
        near = _near_windows(keeper, corpus, vector, everywhere, MEANT_NEAR_SHARE)
        part, shares = choose_excerpt(corpus, None, lambda: near, view.counted, everywhere)
    closeness = partial(keeper.closeness, part.window_ids, vector)
    return part, score_cells(part, terms, _NOTHING, closeness, "semantic", shares)


def _near_windows(keeper: IndexKeeper, corpus: Corpus, vector: Vectors, may: Mask, share: float) -> NearWindows:
    """Return the nearest `share` of the windows of interviews that `may` be shown (m,), and what is usual among all.

    Nothing is near where those interviews are few enough to be scored without being chosen from.
    """
    usual = _usual(keeper, corpus.window_ids, vector)
    few = int(corpus.sizes[may].sum()) <= candidate_cells(corpus)
    if few or not len(usual):
        near, closeness = np.zeros(0, dtype=np.int64), np.zeros(0)
    else:
        shown = corpus.window_ids if may.all() else corpus.window_ids_of(may)
        # the limit is theirs: where all that may be shown is far from the question, something of it is nearest still
        theirs = usual if may.all() else _usual(keeper, shown, vector)
        above = float(np.quantile(theirs, 1 - share)) if len(theirs) else 1.0
        found = keeper.near(vector, above, None if may.all() and keeper.holds_only(corpus) else shown)
        near, is_there = corpus.windows_by_id(found.ids)
        closeness = found.scores[is_there].astype(np.float64)
    mean, deviation = (float(usual.mean()), float(usual.std())) if len(usual) else (0.0, 0.0)
    return NearWindows(near, closeness, mean, deviation)


def _usual(keeper: IndexKeeper, window_ids: Ids, vector: Vectors) -> Numbers:
    """Return how close some of these windows are, taken at even distances."""
    return keeper.closeness(window_ids[:: max(1, len(window_ids) // _USUAL_WINDOWS)], vector)
