"""Gathers what people say that bears on a question: the sentences of the best moments, held against the question.

`SearchService.gather` calls it. What interviewers and moderators say is left out, and so are questions: asking is not
saying. Whatever is too far from the question is no evidence, so a question that nobody speaks about gets none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sqlmodel import Session, col, select

from core.database import Database
from core.tables import Participant, Segment
from search import findable, repository
from search.answering import ALIKE
from search.cells import Cell
from search.marking import Spoken
from search.ports import Embedder, EmbedderByName
from search.query_language import parse_query
from search.shared_words import shared_words, telling_words
from search.stems import ENGLISH, language_of
from search.tables import SearchState
from search.values import FoundInterview, SearchAnswer, SearchRequest, SearchResult
from search.words import fold, read_words, stems_of

Floats = npt.NDArray[np.float32]

MOST_MOMENTS = 20
MOST_SENTENCES = 160  # embedded for one question: a few tenths of a second on two cores

# How near a sentence must be to the question, on the scale of `_scaled`: NEAR by itself, or NEAR_WITH_WORDS if it also
# has half of the words that carry the question. With all-MiniLM-L6-v2 the nearest sentence in the samples' interviews
# lay at 0.16 to 0.37 for fourteen questions they do not speak about, at 0.27 to 0.63 for fourteen they do: where the
# two overlap the answer is "not enough evidence".
NEAR = 0.4
NEAR_WITH_WORDS = 0.28

ASKING_ROLES = frozenset({"interviewer", "moderator"})

# Everyday sentences about nothing in common: how alike a model holds them to be is its zero.
_UNRELATED = (
    "The train to the coast leaves at seven in the morning.",
    "She planted tomatoes behind the old house.",
    "The orchestra played a waltz after dinner.",
    "He repaired the bicycle with a borrowed wrench.",
    "Snow is expected in the mountains tonight.",
    "The committee approved the budget without discussion.",
    "Our cat sleeps on the radiator all day.",
    "They painted the kitchen a pale yellow.",
    "A tall ship sailed into the harbour.",
    "The soup needs a little more salt.",
    "My daughter is learning to read.",
    "Two players were injured in the second half.",
)
# Words of a question that name who is asked about or that something is said, not what about.
_FRAME_WORDS = """
people person customer user client participant anyone anybody someone somebody everyone everybody say says said saying
tell told think thinks thought feel feels felt mention mentioned talk opinion problem problems
leute kunden sagen denken meinen
"""
_FRAME = frozenset(stems_of(_FRAME_WORDS.split()))
_SENTENCE = re.compile(r"\S.*?(?:[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+|$)", re.DOTALL)
_LEAST_WORDS, _MOST_WORDS = 3, 80


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence somebody says. `segment` is where it begins; `closeness` to the question is 1 for the same words."""

    interview: FoundInterview
    is_shareable: bool
    speaker: str | None
    segment: int
    start_ms: int | None
    end_ms: int | None
    text: str
    closeness: float = 0.0
    shared_words: float = 0.0  # of the words that carry the question, 0 … 1
    language: str = ENGLISH  # by which its words are stemmed

    @property
    def is_near(self) -> bool:
        return self.closeness >= NEAR or (self.closeness >= NEAR_WITH_WORDS and self.shared_words >= 0.5)

    @property
    def relevance(self) -> float:
        return round(self.closeness + 0.25 * self.shared_words, 4)


@dataclass(frozen=True, slots=True)
class Evidence:
    """`statements` are near to the question, or say what one that is near to it says; `likeness` is (n, n)."""

    statements: tuple[Statement, ...]
    likeness: Floats
    moments: int
    sentences: int
    closest: float  # to the question, of all sentences that were read


class Gathering:
    def __init__(
        self,
        database: Database,
        embedders: EmbedderByName,
        state: Callable[[], SearchState],
        search: Callable[[SearchRequest], SearchAnswer],
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._state = state
        self._search = search
        self._zeros: dict[str, float] = {}  # by model

    def gather(self, request: SearchRequest) -> Evidence:
        """Return what the best moments for the question say. Raises as `SearchService.search`."""
        plain = replace(request, limit=MOST_MOMENTS, is_grouped=False, with_facets=False)
        results = self._search(plain).results
        with self._database.read() as session:
            # asked again: between the search and this an interview may have been restricted
            visible = findable.visible_interviews(session, request.viewer)
            results = tuple(result for result in results if result.interview.id in visible)
            read = list(_statements(session, results))
        typed = parse_query(request.query)
        for name in (*filter(None, (request.filters.speaker,)), *typed.values.get("speaker", ())):
            read = _said_by(name, read)
        voices = request.filters.voices
        if voices is not None:
            read = [one for one in read if (one.interview.id, one.speaker) in voices]
        read = _first_of_each(read)[:MOST_SENTENCES]
        if not read:
            return Evidence((), np.zeros((0, 0), dtype=np.float32), len(results), 0, 0.0)
        embedder = self._embedders(self._state().model)
        vectors = embedder.embed_passages([one.text for one in read])
        zero = self._zero_of(embedder)
        closeness = _scaled(vectors @ embedder.embed_queries([typed.text])[0], zero)
        carrying = _carrying_words(typed.text, {one.language for one in read})
        read = [
            replace(
                one,
                closeness=round(float(near), 4),
                shared_words=round(shared_words(carrying, Spoken(one.text, one.language)), 4),
            )
            for one, near in zip(read, closeness, strict=True)
        ]
        likeness = _scaled(vectors @ vectors.T, zero)
        is_near = np.array([one.is_near for one in read])
        # whoever says the same as a sentence that is near says it too, though farther from the question's words
        says_the_same = (likeness[:, is_near] >= ALIKE).any(axis=1)
        kept = np.flatnonzero(is_near | says_the_same)
        statements = tuple(read[place] for place in kept)
        closest = max(one.closeness for one in read)
        return Evidence(statements, likeness[np.ix_(kept, kept)], len(results), len(read), closest)

    def likeness(self, ones: Sequence[str], others: Sequence[str]) -> Floats:
        """Return (n, m): how alike each of `ones` is to each of `others`, 0 for unrelated and 1 for the same."""
        embedder = self._embedders(self._state().model)
        vectors = embedder.embed_passages([*ones, *others])
        return _scaled(vectors[: len(ones)] @ vectors[len(ones) :].T, self._zero_of(embedder))

    def _zero_of(self, embedder: Embedder) -> float:
        """Return how alike the model holds sentences to be that have nothing in common."""
        if embedder.name not in self._zeros:
            vectors = embedder.embed_passages(list(_UNRELATED))
            pairs = np.triu_indices(len(_UNRELATED), 1)
            self._zeros[embedder.name] = min(0.95, float((vectors @ vectors.T)[pairs].mean()))
        return self._zeros[embedder.name]


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return [from, to) of the sentences of at least three words; a very long one ends after eighty."""
    places: list[tuple[int, int]] = []
    for found in _SENTENCE.finditer(text):
        words = [word.end() for word in re.finditer(r"\S+", found[0])]
        if len(words) >= _LEAST_WORDS or (len(words) == 1 and len(found[0]) >= 6 and not found[0].isascii()):
            end = found.end() if len(words) <= _MOST_WORDS else found.start() + words[_MOST_WORDS - 1]
            places.append((found.start(), end))
    return places


def asks(role_or_label: str | None) -> bool:
    """Return whether a role, or the label of a speaker, says that somebody asks the questions."""
    return bool(role_or_label) and not ASKING_ROLES.isdisjoint(read_words(role_or_label or ""))


def _statements(session: Session, results: Sequence[SearchResult]) -> Iterator[Statement]:
    found = repository.load_found(session, {result.interview.id for result in results})
    for result in results:
        there = found.get(result.interview.id)
        if there is None:
            continue
        interview, texts = there
        cells = [
            c
            for c in texts.every()
            if c.first_segment >= result.first_segment and c.last_segment <= result.last_segment
        ]
        asking = _asking_speakers(session, interview.id)
        times = _times(session, interview, result)
        for speaker, parts in _runs(cells):
            if speaker is None or fold(speaker) not in asking:
                for one in _sentences_of(result.interview, interview.is_shareable, speaker, parts, times):
                    yield replace(one, language=language_of(interview.language))


def _runs(cells: Sequence[Cell]) -> Iterator[tuple[str | None, list[tuple[int, int | None, str]]]]:
    """Yield what one speaker says without a break, as (segment, start, text) in order."""
    run: list[tuple[int, int | None, str]] = []
    speaking: str | None = None
    for cell in cells:
        for number, (speaker, said) in enumerate(cell.turns):
            if run and speaker != speaking:
                yield speaking, run
                run = []
            speaking = speaker
            run.append((min(cell.first_segment + number, cell.last_segment), cell.start_ms, said))
    if run:
        yield speaking, run


def _sentences_of(
    interview: FoundInterview,
    is_shareable: bool,
    speaker: str | None,
    parts: Sequence[tuple[int, int | None, str]],
    times: dict[int, tuple[int | None, int | None]],
) -> Iterator[Statement]:
    text, begins = "", []
    for _, _, said in parts:
        begins.append(len(text))
        text += f"{said} "
    for start, end in split_sentences(text):
        sentence = text[start:end].strip()
        if sentence.rstrip("\"'”’)]").endswith(("?", "？")):
            continue
        first = max(place for place, begin in enumerate(begins) if begin <= start)
        last = max(place for place, begin in enumerate(begins) if begin < end)
        segment, cell_start, _ = parts[first]
        start_ms = times[segment][0] if segment in times else cell_start
        end_ms = times[parts[last][0]][1] if parts[last][0] in times else None
        yield Statement(interview, is_shareable, speaker, segment, start_ms, end_ms, sentence)


def _times(
    session: Session, interview: repository.ShownInterview, result: SearchResult
) -> dict[int, tuple[int | None, int | None]]:
    """Return each segment's times; none while a newer revision than the one that is found is being worked on."""
    if not interview.is_current:
        return {}
    rows = session.exec(
        select(Segment.ordinal, Segment.start_ms, Segment.end_ms).where(
            Segment.interview_id == interview.id,
            col(Segment.ordinal).between(result.first_segment, result.last_segment),
        )
    )
    return {ordinal: (start_ms, end_ms) for ordinal, start_ms, end_ms in rows}


def _asking_speakers(session: Session, interview_id: str) -> frozenset[str]:
    """Return the folded labels of who asks the questions: by their role, or as the label itself says."""
    people = list(session.exec(select(Participant).where(Participant.interview_id == interview_id)))
    labels = {fold(label) for one in people if asks(one.role) for label in (one.speaker or one.name,)}
    listed = {fold(one.speaker or one.name) for one in people}
    return frozenset(labels | {role for role in ASKING_ROLES if role not in listed})


def _said_by(name: str, statements: Sequence[Statement]) -> list[Statement]:
    """Return what is said by somebody of this name, or, where nobody has it as it is, of all its words."""
    whole = [one for one in statements if one.speaker and fold(one.speaker) == fold(name)]
    words = set(read_words(name))
    return whole or [one for one in statements if one.speaker and words and words <= set(read_words(one.speaker))]


def _first_of_each(statements: Sequence[Statement]) -> list[Statement]:
    """Return them without repetitions: two moments may overlap."""
    first: dict[tuple[str, int, str], Statement] = {}
    for one in statements:
        first.setdefault((one.interview.id, one.segment, one.text), one)
    return list(first.values())


def _carrying_words(question: str, languages: Collection[str]) -> list[str]:
    by_stem = telling_words(question, languages)
    return [word for stem, word in by_stem.items() if stem not in _FRAME] or list(by_stem.values())


def _scaled(products: Floats, zero: float) -> Floats:
    """Return inner products such that unrelated texts lie at 0, whatever the model, and equal ones at 1.

    Source: Zhang et al., "BERTScore", 2020, section 5 (rescaling with a baseline).
    """
    return np.asarray((products - zero) / (1.0 - zero), dtype=np.float32)
