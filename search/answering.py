"""How many people say the same, and how many say otherwise: what was said, grouped by meaning and counted.

In: who said what, how near each is to the question, and how alike any two are. Out: points, those of most people
first. Nothing here knows a model or a database, and the same in gives the same out; `app/answers.py` calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from search.stance import Stance, stance_between

Likeness = npt.NDArray[np.float32]  # (n, n), 1 on the diagonal

# Two groups are one while their sentences are at least this alike on average. With all-MiniLM-L6-v2, paraphrases of
# one remark lie between 0.55 and 0.75 on this scale, remarks on different things below 0.35.
ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence. `person` tells people apart, `account` is their company, `relevance` how near the question."""

    person: str
    account: str | None
    text: str
    relevance: float


@dataclass(frozen=True, slots=True)
class Side:
    """What people say on one side of a point: for each of them the place of their best sentence, best first."""

    places: tuple[int, ...] = ()
    people: int = 0
    accounts: int = 0  # of those people whose account is known


@dataclass(frozen=True, slots=True)
class Point:
    """Something that is said. `lead` is the place of the sentence that stands for it; nobody is on both sides."""

    lead: int
    say_so: Side
    otherwise: Side = field(default_factory=Side)


def find_points(said: Sequence[Said], likeness: Likeness) -> tuple[Point, ...]:
    """Return what is said, points of most people first, then the one nearest to the question."""
    points: list[Point] = []
    for group in _groups(likeness):
        ranked = sorted(group, key=lambda place: (-said[place].relevance, place))
        while ranked:
            point, left = _point_of(said, ranked)
            if point.otherwise.people > point.say_so.people:  # rather told from the side of most people
                best = point.otherwise.places[0]
                other = _point_of(said, [best, *(place for place in ranked if place != best)])
                if other[0].say_so.people > point.say_so.people:
                    point, left = other
            ranked = left
            points.append(point)
    return tuple(sorted(points, key=lambda one: (-one.say_so.people, -said[one.lead].relevance, one.lead)))


def count_sides(said: Sequence[Said], places: Sequence[int]) -> Side:
    """Return each person's first of `places`, and how many people and accounts these are."""
    best: dict[str, int] = {}
    for place in places:
        best.setdefault(said[place].person, place)
    accounts = {said[place].account for place in best.values()} - {None}
    return Side(tuple(best.values()), len(best), len(accounts))


def counted_sentence(say_so: Side, otherwise: Side) -> str:
    """Return "7 people in 5 accounts say this, 2 say otherwise"."""
    sentence = "1 person" if say_so.people == 1 else f"{say_so.people:,} people"
    if say_so.accounts:
        sentence += " in 1 account" if say_so.accounts == 1 else f" in {say_so.accounts:,} accounts"
    sentence += " says this" if say_so.people == 1 else " say this"
    if otherwise.people:
        sentence += f", {otherwise.people:,} " + ("says otherwise" if otherwise.people == 1 else "say otherwise")
    return sentence


def _point_of(said: Sequence[Said], ranked: list[int]) -> tuple[Point, list[int]]:
    """Return the point that the first of `ranked` makes, and the places that are left for points of their own."""
    lead = ranked[0]
    stances = {place: stance_between(said[lead].text, said[place].text) for place in ranked}
    stances[lead] = Stance.SAME
    side_of: dict[str, Stance] = {}
    for place in ranked:  # somebody who says both is where their sentence nearest to the question is
        if stances[place] is not Stance.UNCLEAR:
            side_of.setdefault(said[place].person, stances[place])
    sides: dict[Stance, list[int]] = {Stance.SAME: [], Stance.OPPOSITE: []}
    left: list[int] = []
    for place in ranked:
        stance = stances[place]
        if stance is Stance.UNCLEAR:
            left.append(place)
        elif side_of[said[place].person] is stance:
            sides[stance].append(place)
    point = Point(lead, count_sides(said, sides[Stance.SAME]), count_sides(said, sides[Stance.OPPOSITE]))
    return point, left


def _groups(likeness: Likeness) -> list[list[int]]:
    """Return places that are alike, by average linkage: the two most alike groups become one while they reach ALIKE.

    Of equals the first. Source: Sokal and Michener, "A statistical method for evaluating systematic relationships",
    1958 (UPGMA).
    """
    groups = [[place] for place in range(len(likeness))]
    alike = np.array(likeness, dtype=np.float64)
    np.fill_diagonal(alike, -np.inf)
    while len(groups) > 1:
        place = int(np.argmax(alike))
        first, second = sorted(divmod(place, len(groups)))
        if alike[first, second] < ALIKE:
            break
        weights = len(groups[first]), len(groups[second])
        row = (alike[first] * weights[0] + alike[second] * weights[1]) / sum(weights)
        alike[first], alike[:, first] = row, row
        alike[first, first] = -np.inf
        alike = np.delete(np.delete(alike, second, axis=0), second, axis=1)
        groups[first] = sorted(groups[first] + groups.pop(second))
    return groups
