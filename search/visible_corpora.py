"""The part of the corpus that somebody may see, laid out as if nothing else had ever been there.

`IndexKeeper` asks for it before every question. What may not be seen thus takes part in no sum, no mean and no
rounding, and costs no time. Parts are kept under the blocks and interviews they hold, never under who asked: two
people who may see the same share one, and whoever may see less from now on gets another at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from search.cell_block import CellBlock, only_interviews
from search.cell_index import Corpus, Mask

MOST_CORPORA = 16
MOST_COPIED = 2  # times the cells there are: beyond, what was not asked for longest is forgotten

_Piece = tuple[int, bytes]  # a block of the whole, by identity, and which of its interviews are kept
_Key = tuple[_Piece, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """`sources` are held on to: while they live nothing else can have their identity."""

    sources: tuple[CellBlock, ...]
    corpus: Corpus
    pieces: dict[_Piece, CellBlock]

    @property
    def copied(self) -> int:
        shared = {id(source) for source in self.sources}
        return sum(piece.size for piece in self.pieces.values() if id(piece) not in shared)


class VisibleCorpora:
    """Its caller sees to it that one thread works at a time; a corpus it gave out stays as it is."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    def of(self, whole: Corpus, visible: Mask) -> Corpus:
        """Return the corpus of the `visible` interviews (m,) alone; `whole` itself, uncopied, when all are."""
        if visible.all():
            return whole
        parts = list(_parts(whole, visible))
        key = tuple((id(block), mask.tobytes()) for block, mask in parts)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._make(whole, parts)
            self._forget_stale(whole)
            self._kept[key] = kept
        self._kept.move_to_end(key)
        self._forget_oldest(MOST_COPIED * whole.size)
        return kept.corpus

    def _make(self, whole: Corpus, parts: list[tuple[CellBlock, Mask]]) -> _Kept:
        known = {piece: block for kept in self._kept.values() for piece, block in kept.pieces.items()}
        pieces: dict[_Piece, CellBlock] = {}
        for block, mask in parts:
            piece = (id(block), mask.tobytes())
            pieces[piece] = known.get(piece) or (block if mask.all() else only_interviews(block, mask))
        return _Kept(whole.blocks, Corpus(tuple(pieces.values())), pieces)

    def _forget_stale(self, whole: Corpus) -> None:
        """Forget what was made of blocks that are no longer there: nobody can ask for it again."""
        there = {id(block) for block in whole.blocks}
        for key in [key for key in self._kept if not there.issuperset(identity for identity, _ in key)]:
            del self._kept[key]

    def _forget_oldest(self, most_cells: int) -> None:
        while len(self._kept) > 1 and (
            len(self._kept) > MOST_CORPORA or sum(kept.copied for kept in self._kept.values()) > most_cells
        ):
            self._kept.popitem(last=False)


def _parts(whole: Corpus, visible: Mask) -> Iterator[tuple[CellBlock, Mask]]:
    """Yield the blocks of which anything is visible, each with the mask (m of the block,) of its interviews."""
    first = 0
    for block in whole.blocks:
        mask = visible[first : first + len(block.interviews)]
        first += len(block.interviews)
        if mask.any():
            yield block, mask
