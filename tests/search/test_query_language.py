from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from search.query_language import TypedQuery, parse_query

PRAGUE = ZoneInfo("Europe/Prague")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("wrong invoice", TypedQuery("wrong invoice")),
        ('"single sign on" login', TypedQuery('"single sign on" login')),
        ("invoice -draft", TypedQuery("invoice", without_words=("draft",))),
        ('invoice -"first draft"', TypedQuery("invoice", without_phrases=("first draft",))),
        ("invoice -draf*", TypedQuery("invoice", without_beginnings=("draf",))),
        ("Integrat* today", TypedQuery("Integrat today", beginnings=("integrat",))),
        ("a* b", TypedQuery("a* b")),
        ("speaker:ann invoice", TypedQuery("invoice", values={"speaker": ("ann",)})),
        ('x Speaker:"Ann Lee" tag:churn', TypedQuery("x", values={"speaker": ("Ann Lee",), "tag": ("churn",)})),
        ("project:a project:b x", TypedQuery("x", values={"project": ("a", "b")})),
        ("before:2026-05-01 x", TypedQuery("x", values={"before": ("2026-05-01",)})),
        ("e-mail co-op 10:30 http://a.example note:this", TypedQuery("e-mail co-op 10:30 http://a.example note:this")),
        ("prices - and discounts", TypedQuery("prices - and discounts")),
        ("speaker: ann", TypedQuery("speaker: ann")),
        ("loudspeaker:ann", TypedQuery("loudspeaker:ann")),
        ("-speaker:ann x", TypedQuery("-speaker:ann x")),
        ("", TypedQuery("")),
    ],
)  # fmt: skip
def test_a_query_is_taken_apart(query: str, expected: TypedQuery) -> None:
    assert parse_query(query) == expected


@given(st.text(alphabet='abc-*:" “tag12 ', max_size=40))
def test_any_text_can_be_taken_apart_and_what_is_left_asks_for_nothing_more(query: str) -> None:
    left = parse_query(parse_query(query).text)
    assert parse_query(left.text).values == {}


def test_a_day_a_month_and_a_year_begin_where_people_think_they_do() -> None:
    typed = parse_query("after:2026 after:2026-03 before:2026-05-01 before:2027-01")
    assert typed.instant("after", PRAGUE) == datetime(2026, 3, 1, tzinfo=PRAGUE)
    assert typed.instant("before", PRAGUE) == datetime(2026, 5, 1, tzinfo=PRAGUE)
    assert parse_query("x").instant("before", PRAGUE) is None


@pytest.mark.parametrize("day", ["2026-13", "soon", "2026-02-30", "1.5.2026"])
def test_a_day_that_is_none_is_refused(day: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_query(f"before:{day} x").instant("before", PRAGUE)
    assert raised.value.code == "unknown_date"
