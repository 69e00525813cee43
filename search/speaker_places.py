"""Where people speak in a corpus: kept as words are, so somebody who speaks everywhere is laid out over all cells.

`ranking` asks where those speak whom a question names, `masks` those whom a filter names.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.cell_index import Corpus, Mask
from search.standing import Floats, Standing, part_of
from search.word_places import Places, places_of

FULL_WORDS = 25  # somebody who says this much in a cell fills it


def places_of_speakers(corpus: Corpus, names: Sequence[str]) -> list[Places]:
    """Return where each of these speakers speaks in all of which `corpus` may be an excerpt, and how many words.

    More words in one cell than fill it count as so many. Names that nobody has are left out.
    """
    return [places for name in dict.fromkeys(names) for places in places_of_any(corpus, [name])]


def places_of_any(corpus: Corpus, names: Sequence[str]) -> list[Places]:
    """Return where any of these speakers speaks, as one: a name in a filter may be part of many. Nothing if nowhere."""
    whole, asked = corpus.whole, sorted(set(names))
    standing = _standing(whole, asked)
    return [places_of(whole, "\0".join(["name", *asked]).encode(), standing)] if standing.parts else []


def said_by(part: Corpus, speakers: Sequence[Places]) -> Floats:
    """Return (n,) how much of each cell these speakers fill, 0 … 1."""
    words, laid = np.zeros(part.size, dtype=np.float32), np.empty(part.size, dtype=np.float32)
    for places in speakers:
        if places.lay(part, laid):
            words += laid
    filled: Floats = np.minimum(words / np.float32(FULL_WORDS), np.float32(1))
    return filled


def interviews_with(whole: Corpus, speakers: Sequence[Places]) -> Mask:
    """Return (m,) the interviews in which any of these speakers speaks."""
    present = np.zeros(len(whole.interviews), dtype=bool)
    for places in speakers:
        present |= places.held > 0
    return present


def _standing(corpus: Corpus, names: Sequence[str]) -> Standing:
    parts = []
    for number, block in enumerate(corpus.blocks):
        speakers = [block.speaker_number[name] for name in names if name in block.speaker_number]
        if not speakers:
            continue
        # of the same type: numpy would copy all of them to compare others
        asked = np.array(speakers, dtype=np.int32)
        begins, ends = (np.searchsorted(block.speaker_of, asked, side=side).tolist() for side in ("left", "right"))
        theirs = [slice(begin, end) for begin, end in zip(begins, ends, strict=True)]
        cells = [block.speaker_cells[few] for few in theirs]
        words = [np.minimum(block.speaker_words[few], FULL_WORDS).astype(np.uint8) for few in theirs]
        parts.append(part_of(number, cells, words, block.size))
    return Standing(tuple(parts))
