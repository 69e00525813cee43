"""Which words people said, as they are written: to complete a beginning, to mend a slip of the pen, to suggest.

Scores need none of it; they count stems by number. `count_cells` makes one for each interview, blocks join them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

import numpy as np
import numpy.typing as npt

from search.words import is_telling, read_words

Ints = npt.NDArray[np.int32]
_LAST = "\U0010ffff"  # sorts behind every text that goes on

_LEAST_SAID = 2  # times in one interview: what is said once side by side is chance, not a saying


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`texts` rising; e entries, by text and then by interview, of how often a text is in an interview."""

    texts: tuple[str, ...]
    text_of: Ints  # (e,) index into `texts`
    interview_of: Ints  # (e,) number of the interview in its block
    times: Ints  # (e,)

    def spread_of(self, begin: int, end: int) -> tuple[Ints, Ints]:
        """Return (end - begin,) for each of these texts: in how many interviews it is, and how often in all."""
        first, last = np.searchsorted(self.text_of, [begin, end])
        numbers = self.text_of[first:last] - begin
        interviews = np.bincount(numbers, minlength=end - begin)
        times = np.bincount(numbers, self.times[first:last], end - begin)
        return interviews.astype(np.int32), times.astype(np.int32)

    def beginning(self, prefix: str) -> tuple[int, int]:
        """Return [from, to) of the texts that begin with `prefix`."""
        return bisect_left(self.texts, prefix), bisect_left(self.texts, prefix + _LAST)

    def only(self, kept: npt.NDArray[np.bool_]) -> Vocabulary:
        """Return what is left of the `kept` interviews (m,), numbered anew: no trace of the others."""
        number = np.cumsum(kept, dtype=np.int32) - np.int32(1)
        stays = kept[self.interview_of]
        used = np.zeros(len(self.texts), dtype=bool)
        used[self.text_of[stays]] = True
        place = np.cumsum(used, dtype=np.int32) - np.int32(1)
        return Vocabulary(
            tuple(compress(self.texts, used)),
            place[self.text_of[stays]],
            number[self.interview_of[stays]],
            self.times[stays],
        )


def count_words(lines: Sequence[str]) -> Vocabulary:
    """Return the folded words of one interview."""
    return _counted(Counter(word for line in lines for word in read_words(line)))


def count_sayings(lines: Sequence[str]) -> Vocabulary:
    """Return what one interview says more than once: two telling words side by side."""
    pairs = (pair for line in lines for pair in pairwise(read_words(line)))
    counted = Counter(f"{first} {second}" for first, second in pairs if is_telling(first) and is_telling(second))
    return _counted({saying: times for saying, times in counted.items() if times >= _LEAST_SAID})


def join_vocabularies(parts: Sequence[Vocabulary], sizes: Iterable[int]) -> Vocabulary:
    """Return one vocabulary of blocks laid end to end; `sizes` are their numbers of interviews."""
    texts = tuple(sorted(set().union(*(part.texts for part in parts))))
    place = {text: number for number, text in enumerate(texts)}
    offsets = np.cumsum([0, *sizes], dtype=np.int32)
    numbers = [_ints([place[text] for text in part.texts])[part.text_of] for part in parts]
    interviews = [part.interview_of + offset for part, offset in zip(parts, offsets[:-1], strict=True)]
    text_of, interview_of = np.concatenate([_ints([]), *numbers]), np.concatenate([_ints([]), *interviews])
    order = np.argsort(text_of, kind="stable")  # interviews come in rising order and stay so within a text
    times = np.concatenate([_ints([]), *(part.times for part in parts)])
    return Vocabulary(texts, text_of[order], interview_of[order].astype(np.int32), times[order])


def _counted(counted: dict[str, int]) -> Vocabulary:
    texts = tuple(sorted(counted))
    return Vocabulary(
        texts,
        np.arange(len(texts), dtype=np.int32),
        np.zeros(len(texts), dtype=np.int32),
        _ints([counted[text] for text in texts]),
    )


def _ints(numbers: Sequence[int]) -> Ints:
    return np.array(numbers, dtype=np.int32)
