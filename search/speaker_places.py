"""Where people speak in a corpus: kept as words are, so somebody who speaks everywhere is laid out over all cells.

`ranking` asks where those speak whom a question names, `masks` those whom a filter names.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.cell_index import Corpus, Mask
from search.standing import Floats, Part, Standing
from search.word_places import Places, places_of

FULL_WORDS = 25  # somebody who says this much in a cell fills it


def places_of_speakers(corpus: Corpus, names: Sequence[str]) -> list[Places]:
    """Return where each of these speakers speaks in all of which `corpus` may be an excerpt, and how many words.

    More words in one cell than fill it count as so many. Names that nobody has are left out.
    """
    whole = corpus.whole
    standings = [(name, _standing(whole, name)) for name in dict.fromkeys(names)]
    return [places_of(whole, b"name" + name.encode(), standing) for name, standing in standings if standing.parts]


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
    return said_by(part, places_of_speakers(part, names)) > 0


def speaks_in_interviews(corpus: Corpus, speakers: Sequence[Places]) -> Mask:
    """Return (m,) the interviews of the whole corpus in which any of these speakers speaks."""
    speaks = np.zeros(len(corpus.interviews), dtype=bool)
    for places in speakers:
        speaks |= places.held > 0
    return speaks


def _standing(corpus: Corpus, name: str) -> Standing:
    parts = []
    for number, block in enumerate(corpus.blocks):
        speaker = block.speaker_number.get(name)
        if speaker is not None:
            # of the same type: numpy would copy all of them to compare others
            begin, end = np.searchsorted(block.speaker_of, np.array([speaker, speaker + 1], dtype=np.int32))
            words = np.minimum(block.speaker_words[begin:end], FULL_WORDS).astype(np.uint8)
            parts.append(Part(number, block.speaker_cells[begin:end], words))
    return Standing(tuple(part for part in parts if len(part.cells)))
