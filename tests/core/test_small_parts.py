from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, SQLModel, create_engine

from core import directory, errors
from core.errors import AppError, InvalidInput
from core.ids import new_id
from core.settings import Settings
from core.text import clean_text

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def test_ids_are_unique_and_say_what_they_name() -> None:
    ids = {new_id("int") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 30 and one.startswith("int_") for one in ids)


def test_ids_are_ordered_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([1_000_000_000, 2_000_000_000])
    monkeypatch.setattr("core.ids.time.time_ns", lambda: next(moments))
    assert new_id("x") < new_id("x")


@given(st.text())
def test_cleaned_text_has_no_control_characters_and_stays_as_it_is(raw: str) -> None:
    cleaned = clean_text(raw)
    assert clean_text(cleaned) == cleaned
    assert not any(ord(c) < 32 and c not in "\n\t" for c in cleaned)
    cleaned.encode("utf-8")


def test_a_lone_surrogate_becomes_text_that_utf8_can_hold() -> None:
    assert clean_text("a\ud800b\x00c") == "a?bc"


@pytest.mark.parametrize("slug", ["", "Has Space", "Ümlaut", "-a", "a" * 65, "a/b"])
def test_a_slug_that_would_not_survive_an_address_is_refused(slug: str) -> None:
    with pytest.raises(InvalidInput):
        directory.check_slug(slug, "team")


def test_a_team_is_created_once_and_renamed_after(session: Session) -> None:
    _, first = directory.put_team(session, "research", "Research", NOW)
    team, second = directory.put_team(session, "research", "User research", NOW)
    assert (first, second, team.name) == (True, False, "User research")


def test_an_unknown_team_is_named_with_what_to_do(session: Session) -> None:
    with pytest.raises(InvalidInput, match="create it first"):
        directory.require_team(session, "nobody")


def test_every_error_stands_in_the_tree_of_the_docstring() -> None:
    tree = errors.__doc__ or ""
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AppError)]
    assert len(found) > 10
    for kind in found:
        assert kind.__name__ in tree
        if kind is not AppError:
            assert f"{kind.__name__} {kind.status}" in " ".join(tree.split())


def test_a_wrong_time_zone_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="EARSHOT_TIMEZONE"):
        Settings(timezone="Prague")
