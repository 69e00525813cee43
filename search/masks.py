"""Which cells of what the viewer sees may be shown, and of which a moment must hold one.

`finding` asks for them once for each search, `facets` again with a condition left out. Filters never starve results:
what they let through is ranked whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from sqlmodel import Session

from core.visibility import Viewer
from search import findable
from search.cell_index import Corpus, Mask
from search.conditions import Conditions
from search.phrase_places import cells_in, find_places
from search.ports import FullText
from search.query_language import TypedQuery
from search.question import Question
from search.speaker_places import interviews_with, places_of_any, said_by
from search.term_columns import Topic
from search.values import Mode, PassagePlace
from search.word_matching import completed_words, keys_of_words
from search.word_places import Places, places_of_words
from search.words import Keys, asked_words, fold, lower_words, read_words


@dataclass(frozen=True, slots=True)
class Looking:
    """One viewer's look at one corpus, or at a part of it, in one transaction."""

    session: Session
    full_text: FullText
    corpus: Corpus
    viewer: Viewer
    _matching: dict[Conditions, list[str]] = field(default_factory=dict)
    _places: dict[tuple[str, ...], list[PassagePlace]] = field(default_factory=dict)
    _speaking: dict[tuple[str, ...], list[Places]] = field(default_factory=dict)

    def matching(self, one: Conditions) -> list[str]:
        """Return the interviews that meet the conditions but those of who speaks."""
        asked = replace(one, speakers=(), voices=None)
        if asked not in self._matching:
            self._matching[asked] = findable.matching_interviews(self.session, asked, self.viewer)
        return self._matching[asked]

    def places(self, phrases: Sequence[str]) -> list[PassagePlace]:
        """Return the places that hold all phrases, of an excerpt those of the whole."""
        asked = tuple(phrases)
        if asked not in self._places:
            self._places[asked] = find_places(self.session, self.full_text, self.corpus, self.viewer, asked)
        return self._places[asked]

    def speaking(self, names: Sequence[str]) -> list[Places]:
        """Return where any of these speakers speaks, of an excerpt in the whole, as `places_of_any` does."""
        asked = tuple(names)
        if asked not in self._speaking:
            self._speaking[asked] = places_of_any(self.corpus, asked)
        return self._speaking[asked]


def allowed_cells(looking: Looking, every: Sequence[Conditions]) -> Mask:
    """Return (n,) the cells that meet all conditions."""
    corpus = looking.corpus
    allowed = np.ones(corpus.size, dtype=bool)
    for one in every:
        if replace(one, speakers=(), voices=None) != Conditions():
            allowed &= corpus.mask_of(looking.matching(one))[corpus.interview_of]
        if one.speakers:
            allowed &= said_by(corpus, looking.speaking(find_speakers(corpus, one.speakers))) > 0
        if one.voices is not None:
            allowed &= _spoken_by(looking, one.voices)
    return allowed


def allowed_interviews(looking: Looking, every: Sequence[Conditions], phrases: Sequence[str]) -> Mask:
    """Return (m,) the interviews in which a cell may meet all conditions and hold all phrases."""
    corpus = looking.corpus
    allowed = np.ones(len(corpus.interviews), dtype=bool)
    for one in every:
        if replace(one, speakers=(), voices=None) != Conditions():
            allowed &= corpus.mask_of(looking.matching(one))
        if one.speakers:
            allowed &= interviews_with(corpus, looking.speaking(find_speakers(corpus, one.speakers)))
        if one.voices is not None:
            allowed &= corpus.mask_of(interview_id for interview_id, _ in one.voices)
    if phrases:
        allowed &= corpus.mask_of(place.interview_id for place in looking.places(phrases))
    return allowed


def find_speakers(corpus: Corpus, asked: Sequence[str]) -> list[str]:
    """Return the speakers of these names, or, of a name nobody has as it is, those whose name has all its words."""
    found: list[str] = []
    for name in asked:
        words = set(read_words(name))
        near = corpus.speakers_named(words) if words else corpus.speakers
        whole = [speaker for speaker in near if fold(speaker) == fold(name)]
        found += whole or [speaker for speaker in near if words and words <= set(read_words(speaker))]
    return found


def wanted_cells(looking: Looking, question: Question, topic: Topic, mode: Mode) -> Mask | None:
    """Return (n,) the cells of which a moment holds at least one: where quoted phrases stand, or asked words.

    None where nothing is asked for: by meaning every moment answers, more or less.
    """
    if question.phrases:
        return _cells_holding(looking, question.phrases)
    if mode != "keyword":
        return None
    return _cells_with(looking.corpus, topic.terms)


def cells_without(looking: Looking, typed: TypedQuery) -> Mask:
    """Return (n,) the cells that hold nothing of what the query excludes."""
    corpus = looking.corpus
    left = np.ones(corpus.size, dtype=bool)
    phrases = list(typed.without_phrases)
    for word in typed.without_words:
        parts = lower_words(word)
        if len(parts) == 1:
            left &= ~_cells_with(corpus, [keys_of_words(corpus, parts)])
        else:  # "e-mail", "AB-1234"
            phrases.append(word)
    for beginning in typed.without_beginnings:
        left &= ~_cells_with(corpus, [keys_of_words(corpus, completed_words(corpus, beginning))])
    for phrase in phrases:
        left &= ~_cells_holding(looking, [phrase])
    return left


def _cells_holding(looking: Looking, phrases: Sequence[str]) -> Mask:
    """Return (n,) the cells of the places that hold all phrases, less those without a single word of them."""
    corpus = looking.corpus
    words = [corpus.form_times(keys_of_words(corpus, [word])) for phrase in phrases for word in asked_words(phrase)]
    if any(times is None for times in words):
        # not looked for among all passages: that would take longer where hidden ones say it
        return np.zeros(corpus.size, dtype=bool)
    held = cells_in(corpus, looking.places(phrases))
    return held & np.any([times > 0 for times in words if times is not None], axis=0) if words else held


def _cells_with(corpus: Corpus, forms: Sequence[Keys]) -> Mask:
    """Return (n,) the cells in which any of these words stands."""
    held, laid = np.zeros(corpus.size, dtype=bool), np.empty(corpus.size, dtype=np.float32)
    for places in places_of_words(corpus, forms):
        if places is not None and places.lay(corpus, laid):
            held |= laid > 0
    return held


def _spoken_by(looking: Looking, voices: frozenset[tuple[str, str]]) -> Mask:
    corpus = looking.corpus
    interviews: dict[str, list[str]] = {}
    for interview_id, speaker in voices:
        interviews.setdefault(speaker, []).append(interview_id)
    spoken = np.zeros(corpus.size, dtype=bool)
    for speaker, ids in interviews.items():
        spoken |= (said_by(corpus, looking.speaking([speaker])) > 0) & corpus.mask_of(ids)[corpus.interview_of]
    return spoken
