"""Workspaces of any number of cells, made of real meetings, for measuring search: `bench.search_scale` builds them.

In: a folder with `interviews.jsonl`, as `bench.retrieval` reads it. The windows of these meetings are embedded once.
A made interview is several stretches of real meetings with a tenth of the words changed, and a made window has the
vector of the real one below it, turned a little: so a million passages cost no embedding, and no two are alike.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count as count_up
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import insert
from sqlmodel import Session

from bench.retrieval import read_jsonl
from core.database import Database
from core.migrate import migrate
from core.tables import Interview, InterviewTag, Passage, Segment
from search import repository
from search.cell_block import CellBlock, count_cells
from search.cells import WINDOW_CELLS, Cell, SpokenSegment, cut_cells, window_bounds, write_turns
from search.ports import Embedder
from search.repository import WindowText
from search.tables import WindowVector
from search.values import Vectors
from search.words import is_telling, read_words

SEED = 20261122
SOURCE = "bench"
START = datetime(2026, 1, 1, tzinfo=UTC)

CELLS_EACH = (150, 250)  # of an interview, about an hour and a half of talk
STRETCH_CELLS = (8, 40)  # taken from one place of one meeting
CHANGED_WORDS = 0.1
# Names, codes, slips of hearing: in real transcripts about this share of all words was never said before.
NEW_WORDS = 0.005
LIKENESS = (0.85, 0.95)  # cosine of a made window's vector to the real one's
MS_PER_WORD = 400

# What share of the interviews each tag keeps.
TAGS = {"all": 1.0, "tenth": 0.1, "hundredth": 0.01, "one": 0.0001}

_WRITTEN_AT_ONCE = 50  # interviews in a transaction
_MADE_AHEAD = 100
_SHORT_WORD = 3
_PLAIN_WORD = re.compile(r"[A-Za-z]{2,15}")
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]

T = TypeVar("T")
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Meeting:
    """A real meeting: its cells, and the (w, dim) vectors of the windows over them."""

    cells: list[Cell]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class MadeInterview:
    """All that search needs of one interview."""

    id: str
    title: str
    segments: list[SpokenSegment]
    cells: list[Cell]
    block: CellBlock
    windows: list[tuple[WindowText, Vectors]]


@dataclass(frozen=True, slots=True)
class Source:
    """What interviews are made of. `words` are those that are said, each as often as it is said."""

    meetings: list[Meeting]
    words: list[str]

    def make(self, number: int, cells: tuple[int, int] = CELLS_EACH, word: str = "") -> MadeInterview:
        """Return interview `number`, the same every time; `word` is said at its beginning."""
        draw = np.random.default_rng([SEED, number])
        segments, origins = self._say(draw, int(draw.integers(*cells, endpoint=True)))
        if word:
            segments[0] = replace(segments[0], text=f"{word} {segments[0].text}")
        made = cut_cells(segments)
        block = count_cells(interview_id(number), made)
        windows = []
        for ordinal, (begin, end) in enumerate(window_bounds(len(made))):
            text = write_turns(turn for cell in made[begin:end] for turn in cell.turns)
            under = [origins[(cell.first_segment + cell.last_segment) // 2] for cell in made[begin:end]]
            vector = _turned(draw, self._vector_under(under))
            windows.append((WindowText(ordinal, hashlib.sha256(text.encode()).hexdigest(), text), vector))
        return MadeInterview(interview_id(number), f"Talk {number}", segments, made, block, windows)

    def _say(self, draw: np.random.Generator, cells: int) -> tuple[list[SpokenSegment], list[tuple[int, int]]]:
        """Return segments of about so many cells, and of each the real meeting and the cell it is taken from."""
        segments: list[SpokenSegment] = []
        origins: list[tuple[int, int]] = []
        left, at_ms = cells, 0
        while left > 0:
            meeting = int(draw.integers(len(self.meetings)))
            real = self.meetings[meeting].cells
            length = min(left, len(real), int(draw.integers(*STRETCH_CELLS, endpoint=True)))
            first = int(draw.integers(len(real) - length + 1))
            for place in range(first, first + length):
                for speaker, said in real[place].turns:
                    text = self._changed(draw, said)
                    end_ms = at_ms + MS_PER_WORD * (1 + text.count(" "))
                    segments.append(SpokenSegment(len(segments), text, speaker, at_ms, end_ms))
                    origins.append((meeting, place))
                    at_ms = end_ms
            left -= length
        return segments, origins

    def _changed(self, draw: np.random.Generator, text: str) -> str:
        """Return `text` with some of its words replaced by others."""
        tokens = text.split()
        for place in np.flatnonzero(draw.random(len(tokens)) < CHANGED_WORDS).tolist():
            if _PLAIN_WORD.fullmatch(tokens[place]):
                is_new = draw.random() < NEW_WORDS / CHANGED_WORDS
                tokens[place] = made_word(draw) if is_new else self.words[int(draw.integers(len(self.words)))]
        return " ".join(tokens)

    def _vector_under(self, origins: Sequence[tuple[int, int]]) -> Vectors:
        """Return the mean of the real windows nearest below these cells, one for each stretch, by its cells."""
        vectors = []
        for meeting, place in origins:
            first = next(cell for number, cell in origins if number == meeting and abs(cell - place) < len(origins))
            vectors.append(self.meetings[meeting].vectors[min(first // 2, len(self.meetings[meeting].vectors) - 1)])
        return np.asarray(np.mean(vectors, axis=0), dtype=np.float32)


def interview_id(number: int) -> str:
    """Return the id of interview `number`."""
    return f"int_{number:026d}"


def made_word(draw: np.random.Generator) -> str:
    """Return a word that hardly anybody said before."""
    return "".join(_SYLLABLES[int(place)] for place in draw.integers(len(_SYLLABLES), size=int(draw.integers(3, 6))))


def _turned(draw: np.random.Generator, vector: Vectors) -> Vectors:
    """Return `vector` turned in a random direction, of length 1."""
    noise = draw.standard_normal(len(vector))
    tangent = np.sqrt(1 / draw.uniform(*LIKENESS) ** 2 - 1)
    turned = vector / max(float(np.linalg.norm(vector)), 1e-12) + tangent * noise / np.linalg.norm(noise)
    return np.asarray(turned / np.linalg.norm(turned), dtype=np.float32)


# --- real meetings ---


def read_source(folders: Sequence[Path], embedder: Embedder, cache: Path | None = None) -> Source:
    """Return the meetings of these folders; vectors that `cache`, a folder, has are not made again."""
    interviews = [interview for folder in folders for interview in read_jsonl(folder / "interviews.jsonl")]
    return make_source(
        [[(turn["speaker"], turn["text"]) for turn in one["turns"]] for one in interviews], embedder, cache
    )


def make_source(talks: Sequence[Sequence[tuple[str | None, str]]], embedder: Embedder, cache: Path | None) -> Source:
    """Return a source of what was said in some talks, each a list of turns."""
    meetings, words = [], []
    for talk in talks:
        cells = cut_cells([SpokenSegment(place, said, speaker) for place, (speaker, said) in enumerate(talk)])
        texts = [
            write_turns(turn for cell in cells[begin:end] for turn in cell.turns)
            for begin, end in window_bounds(len(cells))
        ]
        if texts:
            meetings.append(Meeting(cells, _embedded(texts, embedder, cache)))
            words += [token for _, said in talk for token in said.split() if _PLAIN_WORD.fullmatch(token)]
    return Source(meetings, words)


def _embedded(texts: list[str], embedder: Embedder, cache: Path | None) -> Vectors:
    if cache is None:
        return embedder.embed_passages(texts)
    file = cache / f"{hashlib.sha256(chr(0).join([embedder.name, *texts]).encode()).hexdigest()[:24]}.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, embedder.embed_passages(texts))
    vectors: npt.NDArray[np.float32] = np.load(file)
    return vectors


# --- questions ---


def make_queries(real: Sequence[str], source: Source, count: int, seed: int = SEED) -> list[str]:
    """Return `count` different queries: in turn one that people asked and two or three words of one moment.

    When the real ones are used up, they come again with one word exchanged: a repeated query tells nothing new.
    """
    draw = np.random.default_rng(seed)
    asked = [real[place] for place in draw.permutation(len(real)).tolist()]
    said = Counter(word.lower() for word in source.words)
    queries: dict[str, None] = {}
    for number in count_up():
        if len(queries) == count:
            break
        if number % 2 == 0 and asked:
            place, again = (number // 2) % len(asked), number // 2 >= len(asked)
            queries[_with_other_word(draw, asked[place], source) if again else asked[place]] = None
        else:
            queries[_few_words(draw, source, said)] = None
    return list(queries)


def _with_other_word(draw: np.random.Generator, query: str, source: Source) -> str:
    tokens = query.split()
    tokens[int(draw.integers(len(tokens)))] = source.words[int(draw.integers(len(source.words)))]
    return " ".join(tokens)


def _few_words(draw: np.random.Generator, source: Source, said: Counter[str]) -> str:
    """Return two or three words of one cell, in their order; the rarer a word, the likelier it is one of them."""
    while True:
        meeting = source.meetings[int(draw.integers(len(source.meetings)))]
        cell = meeting.cells[int(draw.integers(len(meeting.cells)))]
        words = list(dict.fromkeys(word for _, text in cell.turns for word in read_words(text)))
        telling = [word for word in words if len(word) > _SHORT_WORD and is_telling(word) and said[word] > 1]
        count = int(draw.integers(2, 4))
        if len(telling) >= count:
            shares = np.array([1 / said[word] for word in telling])
            places = draw.choice(len(telling), count, replace=False, p=shares / shares.sum())
            return " ".join(telling[place] for place in sorted(places.tolist()))


# --- workspaces ---


def build_world(
    data_dir: Path, cells: int, source: Source, model: str, processes: int = 2, cells_each: tuple[int, int] = CELLS_EACH
) -> int:
    """Fill a new data folder with interviews of about `cells` cells in all, embedded, and ready to be indexed.

    Returns how many cells there are. With `processes` 0 everything is made in this one.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{data_dir / 'earshot.db'}")
    migrate(database)
    count = max(2, round(2 * cells / sum(cells_each)))
    tagged = tagged_interviews(count)
    made = 0
    try:
        with database.write() as session:
            repository.put_state(session, model)
        for some in batched(_made(source, range(count), cells_each, processes), _WRITTEN_AT_ONCE):
            with database.write() as session:
                for interview in some:
                    made += len(interview.cells)
                    put_interview(session, interview, model)
                    put_findable(session, interview)
                    tags = [tag for tag, ids in tagged.items() if interview.id in ids]
                    session.add_all(InterviewTag(interview_id=interview.id, tag=tag) for tag in tags)
                session.flush()
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA optimize")
        database.empty_log()
    finally:
        database.close()
    return made


def put_interview(session: Session, made: MadeInterview, model: str) -> None:
    """Store an interview as ingest leaves it before it is indexed: its text, cut into passages, and its vectors."""
    at = START + timedelta(minutes=int(made.id[-9:]))
    interview = Interview(
        id=made.id, source=SOURCE, title=made.title, language="en", status="ready", created_at=at, updated_at=at
    )
    session.add(interview)
    session.flush()
    connection = session.connection()  # rows of a million cells: objects would take several times as long
    columns = ("ordinal", "text", "speaker", "start_ms", "end_ms")
    segments = [{"interview_id": made.id} | {name: getattr(one, name) for name in columns} for one in made.segments]
    connection.execute(insert(Segment), segments)
    connection.execute(insert(Passage), list(_passages(made)))
    connection.execute(insert(WindowVector), list(_vectors(made, model)))


def _vectors(made: MadeInterview, model: str) -> Iterator[Row]:
    for window, vector in made.windows:
        yield {
            "interview_id": made.id,
            "revision": 1,
            "model": model,
            "ordinal": window.ordinal,
            "dim": len(vector),
            "content_hash": window.content_hash,
            "vector": vector.astype("<f4").tobytes(),
        }


def put_findable(session: Session, made: MadeInterview) -> None:
    """Do what indexing does: store what was counted, and tell every process."""
    if not repository.put_indexed(session, made.id, 1, made.block, made.cells):
        raise RuntimeError(f"interview {made.id} is not there")
    repository.record_change(session, made.id)


def _passages(made: MadeInterview) -> Iterator[Row]:
    """Yield a passage for every four cells: what the words' index holds, of about the length ingest gives it."""
    for ordinal, cells in enumerate(batched(made.cells, WINDOW_CELLS)):
        turns = [turn for cell in cells for turn in cell.turns]
        text = write_turns(turns)
        yield {
            "interview_id": made.id,
            "ordinal": ordinal,
            "first_segment": cells[0].first_segment,
            "last_segment": cells[-1].last_segment,
            "start_ms": cells[0].start_ms,
            "end_ms": cells[-1].end_ms,
            "speakers": list(dict.fromkeys(speaker for speaker, _ in turns if speaker)),
            "text": text,
            "content_hash": hashlib.sha256(text.encode()).hexdigest(),
        }


def tagged_interviews(count: int) -> dict[str, set[str]]:
    """Return the interviews with each tag; every tag has at least one."""
    draw = np.random.default_rng([SEED, count])
    return {
        tag: {interview_id(number) for number in draw.permutation(count)[: max(1, round(count * share))].tolist()}
        for tag, share in TAGS.items()
    }


_at_work: list[Source] = []  # in a process that makes interviews


def _made(
    source: Source, numbers: Sequence[int], cells_each: tuple[int, int], processes: int
) -> Iterator[MadeInterview]:
    """Yield the interviews in order, made beside the caller, not far ahead of it."""
    if not processes:
        yield from (source.make(number, cells_each) for number in numbers)
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin_work, (source,)) as workers:
        ahead: deque[Future[MadeInterview]] = deque()
        for number in numbers:
            ahead.append(workers.submit(_make, number, cells_each))
            if len(ahead) > _MADE_AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _begin_work(source: Source) -> None:
    _at_work.append(source)


def _make(number: int, cells_each: tuple[int, int]) -> MadeInterview:
    return _at_work[0].make(number, cells_each)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`, the last one shorter."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
