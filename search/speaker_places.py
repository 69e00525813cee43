"""Where people speak in a corpus: kept as words are, so somebody who speaks everywhere is laid out over all cells.

`ranking` asks where those speak whom a question names, `masks` those whom a filter names.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.cell_block import joined
from search.cell_index import Corpus, Mask
from search.standing import Floats, Part, Standing, merged
from search.word_places import Places, places_of

FULL_WORDS = 25  # somebody who says this much in a cell fills it


def places_of_speakers(corpus: Corpus, names: Sequence[str]) -> list[Places]:
    """Return where each of these speakers speaks in all of which `corpus` may be an excerpt, and how many words.

    More words in one cell than fill it count as so many. Names that nobody has are left out.
    """
    found = (_places_of(corpus, [name]) for name in dict.fromkeys(names))
    return [places for places in found if places is not None]


def said_by(part: Corpus, speakers: Sequence[Places]) -> Floats:
    """Return (n,) how much of each cell these speakers fill, 0 … 1."""
    words, laid = np.zeros(part.size, dtype=np.float32), np.empty(part.size, dtype=np.float32)
    for places in speakers:
        if places.lay(part, laid):
            words += laid
    filled: Floats = np.minimum(words / np.float32(FULL_WORDS), np.float32(1))
    return filled


def speaks_in_cells(part: Corpus, names: Sequence[str]) -> Mask:
    """Return (n,) the cells in which any of these speakers speaks."""
    laid, places = np.zeros(part.size, dtype=np.float32), _places_of(part, names)
    if places is not None:
        places.lay(part, laid)
    return laid > 0


def speaks_in_interviews(corpus: Corpus, names: Sequence[str]) -> Mask:
    """Return (m,) the interviews of the whole corpus in which any of these speakers speaks."""
    places = _places_of(corpus, names)
    return np.zeros(len(corpus.interviews), dtype=bool) if places is None else places.held > 0


def _places_of(corpus: Corpus, names: Sequence[str]) -> Places | None:
    """Return where any of these speakers speaks: of many at once, as a name in a filter may be part of many names."""
    whole, asked = corpus.whole, sorted(set(names))
    standing = _standing(whole, asked)
    return places_of(whole, "\0".join(["name", *asked]).encode(), standing) if standing.parts else None


def _standing(corpus: Corpus, names: Sequence[str]) -> Standing:
    parts = []
    for number, block in enumerate(corpus.blocks):
        speakers = [block.speaker_number[name] for name in names if name in block.speaker_number]
        if not speakers:
            continue
        # of the same type: numpy would copy all of them to compare others
        asked = np.array(speakers, dtype=np.int32)
        begins, ends = np.searchsorted(block.speaker_of, asked), np.searchsorted(block.speaker_of, asked, side="right")
        some = [slice(begin, end) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        cells = joined(block.speaker_cells[few] for few in some)
        words = joined(np.minimum(block.speaker_words[few], FULL_WORDS) for few in some).astype(np.uint8)
        parts.append(Part(number, *(merged(cells, words, block.size) if len(some) > 1 else (cells, words))))
    return Standing(tuple(part for part in parts if len(part.cells)))
