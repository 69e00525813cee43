"""The lookups are taken from what is said, and a first result is judged by where it opens."""

import re
from typing import Any

import pytest

from bench.lookups import KINDS, Lookup, Opened, make_lookups, measure

INTERVIEWS: list[dict[str, Any]] = [
    {
        "id": "one",
        "turns": [
            {"speaker": "Ann", "text": "How do colleagues usually upload recordings after interviews with customers?"},
            {"speaker": "Bo", "text": "Yes."},
            {"speaker": "Bo", "text": "Everybody forwards attachments, and nobody remembers which folder holds them."},
        ],
    },
    {
        "id": "other",
        "turns": [{"speaker": "Cy", "text": "Reminders come weekly, while invoices always arrive late."}],
    },
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lookup_is_words_of_one_turn_in_their_order(kind: str) -> None:
    lookups = list(make_lookups(INTERVIEWS, KINDS[kind], 20, seed=1))
    assert lookups == list(make_lookups(INTERVIEWS, KINDS[kind], 20, seed=1))
    assert len({lookup.query for lookup in lookups}) > 3
    for lookup in lookups:
        [interview] = [interview for interview in INTERVIEWS if interview["id"] == lookup.interview_id]
        said = iter(re.findall(r"\w+", interview["turns"][lookup.turn]["text"]))
        assert all(word in said for word in lookup.query.split())
        assert len(lookup.query.split()) == {"two": 2, "three": 3, "four": 4}[kind]


def test_a_first_result_counts_by_the_turn_it_holds_and_where_it_opens() -> None:
    opened = {
        "at it": Opened("one", 0, 2, 2),
        "before it": Opened("one", 0, 2, 1),
        "beside it": Opened("one", 0, 1, 0),
        "elsewhere": Opened("other", 0, 2, 2),
        "nothing": None,
    }
    figures = measure(INTERVIEWS, [Lookup(query, "one", 2) for query in opened], opened.__getitem__)
    assert figures == {"queries": 5, "first": 0.4, "at_turn": 0.5, "words_off": 0.5}
    assert measure(INTERVIEWS, [Lookup("nothing", "one", 2)], opened.__getitem__)["at_turn"] is None
