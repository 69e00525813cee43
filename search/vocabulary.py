"""Which words people said, as they are written: to complete a beginning, to mend a slip of the pen, to suggest.

Scores need none of it; they count stems by number. `count_cells` makes one for each interview, blocks join them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, pairwise

import numpy as np
import numpy.typing as npt

from search.words import is_telling, read_words

Ints = npt.NDArray[np.int32]
_LAST = "\U0010ffff"  # sorts behind every text that goes on

_LETTERS_READ = 32  # of a word, to see at a glance which it may have been meant for
_LEAST_SAID = 2  # times in one interview: what is said once side by side is chance, not a saying


@dataclass(frozen=True)  # without slots, for what is kept of it when it is first asked
class Vocabulary:
    """`texts` rising; e entries, by text and then by interview, of how often a text is in an interview."""

    texts: tuple[str, ...]
    text_of: Ints  # (e,) index into `texts`
    interview_of: Ints  # (e,) number of the interview in its block
    times: Ints  # (e,)

    def spread_of(self, begin: int, end: int) -> tuple[Ints, Ints]:
        """Return (end - begin,) for each of these texts: in how many interviews it is, and how often in all."""
        # of the same type: numpy would copy all of them to compare others
        first, last = np.searchsorted(self.text_of, _ints([begin, end]))
        numbers = self.text_of[first:last] - begin
        interviews = np.bincount(numbers, minlength=end - begin)
        times = np.bincount(numbers, self.times[first:last], end - begin)
        return interviews.astype(np.int32), times.astype(np.int32)

    def beginning(self, prefix: str) -> tuple[int, int]:
        """Return [from, to) of the texts that begin with `prefix`."""
        return bisect_left(self.texts, prefix), bisect_left(self.texts, prefix + _LAST)

    def like(self, word: str, slips: int) -> list[str]:
        """Return all texts that may be so many slips of the pen away from `word`, and others.

        A slip takes one letter away, or adds one, or both.
        """
        if len(word) + slips >= _LETTERS_READ:
            return [*self.texts]
        letters, lengths = _letters_of([word])
        known_letters, known_lengths = self._letters
        unlike = np.bitwise_count(known_letters ^ letters[0]) > 2 * slips
        unlike |= np.abs(known_lengths - lengths[0]) > slips
        return [self.texts[place] for place in np.flatnonzero(~unlike).tolist()]

    @cached_property
    def _letters(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int8]]:
        return _letters_of(self.texts)

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


def _letters_of(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int8]]:
    """Return (k,) a bit for each letter of a text, which some letters share, and (k,) how many letters it has."""
    codes = np.array(texts, dtype=f"U{_LETTERS_READ}").view(np.uint32).reshape(len(texts), _LETTERS_READ)
    bits = np.where(codes > 0, np.uint32(1) << (codes & np.uint32(31)), np.uint32(0))
    return np.bitwise_or.reduce(bits, axis=1), np.count_nonzero(codes, axis=1).astype(np.int8)


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
