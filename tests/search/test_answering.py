"""People counted by what they say: stances, groups, and counts that never exceed who spoke."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.answering import ALIKE, Likeness, Said, count_sides, counted_sentence, find_points
from search.stance import Stance, stance_between


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The weekly mail is useful.", "The weekly mail is not useful."),
        ("The weekly mail is useful.", "The weekly mail isn't useful."),
        ("The app is slow.", "The app is fast."),
        ("I like the mail.", "I hate the mail."),
        ("Die Mail ist nützlich.", "Die Mail ist nicht nützlich."),
    ],
)
def test_a_negation_or_opposite_words_about_the_same_contradict(one: str, other: str) -> None:
    assert stance_between(one, other) is Stance.OPPOSITE
    assert stance_between(other, one) is Stance.OPPOSITE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The app is fast.", "The app isn't slow."),
        ("You send too many mails.", "I get far too many mails from you."),
        ("No, the mail is useful.", "The mail is useful."),
    ],
)
def test_a_negated_opposite_and_other_words_agree(one: str, other: str) -> None:
    assert stance_between(one, other) is Stance.SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I use the report daily.", "I use the report daily, not the dashboard."),  # negates something else
        ("It takes ages to load.", "It doesn't start quickly on my phone."),  # shares too little
        ("The mail is useful.", "If the mail were not useful I would tell you."),  # states nothing
        ("The mail is useful.", "I wouldn't say nobody finds the mail useful."),  # negates twice
    ],
)
def test_where_the_words_do_not_make_it_clear_nothing_is_claimed(one: str, other: str) -> None:
    assert stance_between(one, other) is Stance.UNCLEAR


def all_alike(count: int) -> Likeness:
    return np.ones((count, count), dtype=np.float32)


def said(*sentences: tuple[str, str | None, str]) -> list[Said]:
    return [Said(person, account, text, 1.0 - number / 100) for number, (person, account, text) in enumerate(sentences)]


def test_people_and_accounts_are_counted_on_both_sides() -> None:
    spoken = said(
        ("ann", "bakery", "The weekly mail is useful."),
        ("bob", "bakery", "The weekly mail is useful to me."),
        ("cid", None, "I find the weekly mail useful."),
        ("dot", "forge", "The weekly mail is not useful."),
    )
    (point,) = find_points(spoken, all_alike(4))
    assert (point.lead, point.say_so.places, point.otherwise.places) == (0, (0, 1, 2), (3,))
    assert counted_sentence(point.say_so, point.otherwise) == "3 people in 1 account say this, 1 says otherwise"


def test_somebody_who_says_it_twice_counts_once_and_whoever_says_both_is_on_one_side() -> None:
    spoken = said(
        ("ann", None, "The weekly mail is useful."),
        ("ann", None, "The mail is useful every week."),
        ("ann", None, "The weekly mail is not useful."),
        ("bob", None, "The weekly mail is not useful."),
    )
    (point,) = find_points(spoken, all_alike(4))
    assert (point.say_so.people, point.otherwise.people) == (1, 1)
    assert point.otherwise.places == (3,)


def test_a_point_is_told_from_the_side_of_most_people() -> None:
    spoken = said(
        ("ann", None, "The weekly mail is not useful."),
        ("bob", None, "The weekly mail is useful."),
        ("cid", None, "I find the weekly mail useful."),
    )
    (point,) = find_points(spoken, all_alike(3))
    assert (point.lead, point.say_so.people, point.otherwise.people) == (1, 2, 1)


def test_what_is_not_alike_makes_points_of_its_own_and_most_people_come_first() -> None:
    spoken = said(("ann", None, "It is dear."), ("bob", None, "Too dear for us."), ("cid", None, "Too dear."))
    alike = np.eye(3, dtype=np.float32)
    alike[1, 2] = alike[2, 1] = ALIKE
    points = find_points(spoken, alike)
    assert [(point.lead, point.say_so.people) for point in points] == [(1, 2), (0, 1)]


def test_an_unclear_sentence_is_left_out_of_the_count_and_stands_alone() -> None:
    spoken = said(("ann", None, "The mail is useful."), ("bob", None, "If the mail were useful, fine."))
    assert [point.say_so.places for point in find_points(spoken, all_alike(2))] == [(0,), (1,)]


def test_the_sentence_is_told_as_people_would() -> None:
    one = count_sides(said(("ann", "bakery", "Yes.")), [0])
    assert counted_sentence(one, count_sides([], [])) == "1 person in 1 account says this"


TEXTS = st.sampled_from(
    ["The mail is useful.", "The mail is not useful.", "The mail is useless.", "If the mail is useful.", "No mail."]
)
PEOPLE = st.tuples(st.sampled_from("abcde"), st.sampled_from(["x", "y", None]), TEXTS, st.floats(0, 1))


@given(st.lists(PEOPLE, max_size=12), st.integers(0, 1000))
def test_nobody_is_counted_who_did_not_speak_or_twice(
    rows: list[tuple[str, str | None, str, float]], number: int
) -> None:
    spoken = [Said(*row) for row in rows]
    vectors = np.random.default_rng(number).normal(size=(len(spoken), 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = np.asarray(vectors @ vectors.T, dtype=np.float32)
    points = find_points(spoken, alike)
    for point in points:
        both = (*point.say_so.places, *point.otherwise.places)
        people = [spoken[place].person for place in both]
        assert len(people) == len(set(people)) == point.say_so.people + point.otherwise.people
        assert len(people) <= len({one.person for one in spoken})
        for side in (point.say_so, point.otherwise):
            assert side.accounts == len({spoken[place].account for place in side.places} - {None}) <= side.people
    assert points == find_points(spoken, alike), "the same in gives the same out"
    assert {one.person for one in spoken} == {
        spoken[place].person for p in points for place in (*p.say_so.places, *p.otherwise.places)
    }
