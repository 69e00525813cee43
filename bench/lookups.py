"""Whether words that somebody remembers lead to the place that says them: `python -m bench.lookups DIR`.

DIR holds `interviews.jsonl` ({id, title, turns: [{speaker, text}]}). The queries are words of one turn each: two
telling words close together, three words side by side, four telling words. They go through GET /api/v1/search of a real
server; the peers of `bench.retrieval_peers` are asked the same in the same run. The last line is one JSON object: of
every kind, for each mode and peer, how often the first result holds that turn (`first`), and where it does, how often
it opens at the turn (`at_turn`) and how many words lie between (`words_off`, the mean). What opens is a moment's
`found`, and of a peer's chunk its first turn.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import httpx

from bench.retrieval import add_interviews, read_jsonl, wait_until_ready
from bench.retrieval_peers import make_peers
from bench.server import running_server
from search.words import is_telling

MODES = ("hybrid", "keyword")
_LEAST_WORDS = 8  # of a turn that anybody would look for
_LONG = 5  # letters of a word that anybody would remember
_CLOSE = 8  # words

Choose = Callable[[random.Random, Sequence[str], Sequence[int]], str | None]


@dataclass(frozen=True, slots=True)
class Lookup:
    query: str
    interview_id: str
    turn: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A first result: turns `first` to `last` (inclusive) of an interview, opened at turn `at`."""

    interview_id: str
    first: int
    last: int
    at: int


Open = Callable[[str], Opened | None]


def two_words(chance: random.Random, words: Sequence[str], telling: Sequence[int]) -> str | None:
    """Return two telling words with no other telling one between them; None where they lie far apart."""
    if len(telling) < 2:
        return None
    place = chance.randrange(len(telling) - 1)
    one, other = telling[place], telling[place + 1]
    if other - one > _CLOSE or words[one].lower() == words[other].lower():
        return None
    return f"{words[one]} {words[other]}"


def three_words(chance: random.Random, words: Sequence[str], telling: Sequence[int]) -> str | None:
    """Return three words side by side, two of them telling."""
    begins = [one for one in telling if one + 2 < len(words) and {one + 1, one + 2} & set(telling)]
    if not begins:
        return None
    place = chance.choice(begins)
    return " ".join(words[place : place + 3])


def four_words(chance: random.Random, words: Sequence[str], telling: Sequence[int]) -> str | None:
    """Return four telling words that follow each other."""
    if len(telling) < 4:
        return None
    place = chance.randrange(len(telling) - 3)
    return " ".join(words[one] for one in telling[place : place + 4])


KINDS: dict[str, Choose] = {"two": two_words, "three": three_words, "four": four_words}


def make_lookups(interviews: Sequence[dict[str, Any]], choose: Choose, count: int, seed: int) -> Iterator[Lookup]:
    """Yield `count` queries with the turns their words were taken from; the same for the same seed."""
    chance = random.Random(seed)
    while count:
        interview = chance.choice(interviews)
        turn = chance.randrange(len(interview["turns"]))
        words = re.findall(r"[A-Za-z']+", interview["turns"][turn]["text"])
        telling = [place for place, word in enumerate(words) if len(word) >= _LONG and is_telling(word.lower())]
        query = choose(chance, words, telling) if len(words) >= _LEAST_WORDS else None
        if query is not None:
            yield Lookup(query, interview["id"], turn)
            count -= 1


def earshot(api: httpx.Client, mode: str) -> Open:
    """Return what asks a server in `mode`."""

    def open_first(query: str) -> Opened | None:
        answer = api.get("/api/v1/search", params={"q": query, "mode": mode, "limit": 1}).raise_for_status()
        for result in answer.json()["results"]:
            span = result["first_segment"], result["last_segment"]
            return Opened(result["interview"]["external_id"], *span, result["found"]["segment"])
        return None

    return open_first


def peer(ask: Callable[[str], list[dict[str, Any]]]) -> Open:
    """Return what asks a peer of `bench.retrieval_peers`; its chunks open at their beginning."""

    def open_first(query: str) -> Opened | None:
        for result in ask(query):
            return Opened(result["interview_id"], result["first_turn"], result["last_turn"], result["first_turn"])
        return None

    return open_first


def measure(
    interviews: Sequence[dict[str, Any]], lookups: Sequence[Lookup], open_first: Open
) -> dict[str, float | int | None]:
    """Return `first`, `at_turn` and `words_off`; the last two are None where no first result holds its turn."""
    words_before = {
        interview["id"]: list(accumulate((len(turn["text"].split()) for turn in interview["turns"]), initial=0))
        for interview in interviews
    }
    off: list[tuple[bool, int]] = []
    for lookup in lookups:
        opened = open_first(lookup.query)
        if opened and opened.interview_id == lookup.interview_id and opened.first <= lookup.turn <= opened.last:
            before = words_before[lookup.interview_id]
            off.append((opened.at == lookup.turn, abs(before[opened.at] - before[lookup.turn])))
    return {
        "queries": len(lookups),
        "first": round(len(off) / len(lookups), 3),
        "at_turn": round(statistics.fmean(at for at, _ in off), 3) if off else None,
        "words_off": round(statistics.fmean(words for _, words in off), 1) if off else None,
    }


def main() -> None:
    """Ask every kind of every mode and peer and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--queries", type=int, default=200, help="of each kind (default: 200)")
    arguments.add_argument("--seed", type=int, default=2)
    given = arguments.parse_args()
    interviews = read_jsonl(given.data / "interviews.jsonl")
    openers = {name: peer(ask) for name, ask in make_peers(interviews).items()}
    with running_server() as server:
        wait_until_ready(server.api, add_interviews(server.api, interviews))
        openers |= {mode: earshot(server.api, mode) for mode in MODES}
        figures: dict[str, dict[str, Any]] = {}
        for kind, choose in KINDS.items():
            lookups = list(make_lookups(interviews, choose, given.queries, given.seed))
            figures[kind] = {name: measure(interviews, lookups, ask) for name, ask in openers.items()}
            print(json.dumps({kind: figures[kind]}), file=sys.stderr)
    print(json.dumps({"bench": "lookups", "data": given.data.resolve().name, "seed": given.seed, **figures}))


if __name__ == "__main__":
    main()
