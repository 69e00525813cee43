import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlmodel import SQLModel

from app.access.password_rules import PasswordHashes, check_new_password
from app.access.permissions import Role
from app.access.service import AccessService
from app.access.sessions import LOCAL_ADMINISTRATOR
from app.access.tables import User
from app.access.users import NewUser
from core.clock import SettableClock
from core.database import Database
from core.errors import Conflict, InvalidInput, TooManyRequests, Unauthorized
from tests.pages.world import QUICK_HASHES

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
OTHER = "a lamp under seven bridges"
ADDRESS = "jana@bakery.example"
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'passwords.db'}")
    SQLModel.metadata.create_all(database.writer_engine)
    with database.write() as session:
        session.add(User(id=LOCAL_ADMINISTRATOR, name="Administrator", role=Role.ADMINISTRATOR, created_at=NOON))
    yield database
    database.close()


@pytest.fixture
def access(database: Database) -> AccessService:
    return AccessService(database, SettableClock(NOON), QUICK_HASHES)


@pytest.fixture
def jana(access: AccessService) -> str:
    user, token = access.users.invite(NewUser("Jana Malá", ADDRESS), "usr_local")
    access.passwords.choose(token, PASSWORD)
    return user.id


def stored_hash(database: Database, user_id: str) -> str:
    with database.read() as session:
        user = session.get(User, user_id)
        assert user is not None
        assert user.password_hash is not None
        return user.password_hash


@pytest.mark.parametrize(
    "password", [PASSWORD, "  a lamp  under seven  ", "žluťoučký kůň úpěl ďábelské", "🐎🔋📎🧷🎺🪤🧦🛶🥁🪁🧩🪀🎲🧶🪡"]
)
def test_any_characters_make_a_password(password: str) -> None:
    assert check_new_password(password, ()) == password


def test_a_password_may_be_long() -> None:
    assert check_new_password((PASSWORD + " ") * 4, ())
    with pytest.raises(InvalidInput, match="at most 256"):
        check_new_password(" ".join(f"{number}{PASSWORD}" for number in range(10)), ())


@pytest.mark.parametrize("password", ["", "x9!Kq2#v", "fourteen chars"])
def test_a_short_password_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput, match="at least 15"):
        check_new_password(password, ())


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "aaaaaaaaaaaaaaaaaaaa",
        "qwertyuiopasdfgh",
        "1qaz2wsx3edc4rfv",
        "123456789987654321",
        "earshotearshotearshot",
        "Jana Malá Earshot",
        "jana@bakery.example",
        "thisismypassword",
        "Summer2026!Summer2026!",
    ],
)
def test_a_password_that_others_would_try_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_new_password(password, ("Jana Malá", ADDRESS))
    assert caught.value.code == "password_too_common"
    assert password not in caught.value.message


def test_the_same_password_typed_on_two_keyboards_is_one() -> None:
    known = QUICK_HASHES.make("cr\u00e8me br\u00fbl\u00e9e et caf\u00e9s")
    assert QUICK_HASHES.match("cre\u0300me bru\u0302le\u0301e et cafe\u0301s", known)
    assert not QUICK_HASHES.match("creme brulee et cafes", known)


def test_a_password_is_stored_as_argon2id_with_a_salt_of_its_own() -> None:
    hashes = PasswordHashes()
    first, second = hashes.make(PASSWORD), hashes.make(PASSWORD)
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert not hashes.is_outdated(first)
    assert hashes.match(PASSWORD, first)


def test_a_hash_of_older_parameters_is_made_again_at_sign_in(
    access: AccessService, database: Database, jana: str
) -> None:
    with database.write() as session:
        user = session.get(User, jana)
        assert user is not None
        user.password_hash = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    access.passwords.sign_in(ADDRESS, PASSWORD, HERE)
    assert stored_hash(database, jana).startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert access.passwords.sign_in(ADDRESS, PASSWORD, HERE)


class CountedHasher(PasswordHasher):
    """Counts what is verified, so that work can be compared without a clock."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the library's name
        self.verified += 1
        return super().verify(hash, password)


def test_the_refusal_does_not_tell_whether_somebody_is_here(
    database: Database, jana: str, caplog: pytest.LogCaptureFixture
) -> None:
    hasher = CountedHasher()
    access = AccessService(database, SettableClock(NOON), PasswordHashes(hasher))
    access.users.invite(NewUser("Petr", "petr@bakery.example"), "usr_local")
    sentences, work = set(), []
    with caplog.at_level(logging.WARNING):
        for email in (ADDRESS, "petr@bakery.example", "nobody@bakery.example"):
            with pytest.raises(Unauthorized) as caught:
                access.passwords.sign_in(email, OTHER, HERE)
            sentences.add((caught.value.code, caught.value.message))
            work.append(hasher.verified)
    assert len(sentences) == 1
    assert work == [1, 2, 3]
    assert jana in caplog.text
    assert "bakery" not in caplog.text


def test_nobody_signs_in_with_the_password_of_nobody(access: AccessService) -> None:
    access.users.invite(NewUser("Jana Malá", ADDRESS), "usr_local")
    for password in ("the password of nobody", ""):
        with pytest.raises(Unauthorized):
            access.passwords.sign_in(ADDRESS, password, HERE)


def test_a_new_password_ends_every_other_session(access: AccessService, jana: str) -> None:
    before = [access.passwords.sign_in(ADDRESS, PASSWORD, HERE) for _ in range(2)]
    after = access.passwords.change(jana, PASSWORD, OTHER, HERE)
    for secret in before:
        with pytest.raises(Unauthorized):
            access.sessions.principal_of(secret)
    assert access.sessions.principal_of(after).id == jana
    assert access.passwords.sign_in(ADDRESS, OTHER, HERE)


def test_a_new_password_needs_the_old_one(access: AccessService, jana: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        access.passwords.change(jana, OTHER, OTHER, HERE)
    assert caught.value.code == "wrong_password"
    assert access.passwords.sign_in(ADDRESS, PASSWORD, HERE)


def test_the_local_administrator_may_take_an_address_and_a_password(access: AccessService) -> None:
    assert not access.passwords.is_used()
    access.passwords.change_profile(LOCAL_ADMINISTRATOR, "Ada", "ada@bakery.example", "", HERE)
    access.passwords.change(LOCAL_ADMINISTRATOR, "", PASSWORD, HERE)
    secret = access.passwords.sign_in("ada@bakery.example", PASSWORD, HERE)
    assert access.sessions.principal_of(secret).name == "Ada"
    assert access.passwords.is_used()


def test_another_address_needs_the_password_and_must_be_free(access: AccessService, jana: str) -> None:
    access.passwords.change_profile(jana, "Jana", ADDRESS, "", HERE)
    with pytest.raises(InvalidInput, match="not your present password"):
        access.passwords.change_profile(jana, "Jana", "new@bakery.example", "wrong", HERE)
    access.users.invite(NewUser("Petr", "petr@bakery.example"), "usr_local")
    with pytest.raises(Conflict):
        access.passwords.change_profile(jana, "Jana", "petr@bakery.example", PASSWORD, HERE)
    access.passwords.change_profile(jana, "Jana", "new@bakery.example", PASSWORD, HERE)
    assert access.users.get(jana).email == "new@bakery.example"


def fail(access: AccessService, times: int, client: str, email: str = ADDRESS) -> None:
    for _ in range(times):
        with pytest.raises(Unauthorized):
            access.passwords.sign_in(email, "wrong", client)


@pytest.mark.parametrize("email", [ADDRESS, "nobody@bakery.example"])
def test_guessing_is_slowed_also_for_an_unknown_address(access: AccessService, jana: str, email: str) -> None:
    fail(access, 10, HERE, email)
    with pytest.raises(TooManyRequests) as caught:
        access.passwords.sign_in(email, PASSWORD, HERE)
    assert 800 <= caught.value.extra["retry_after"] <= 900


def test_a_stranger_slows_only_their_own_address(access: AccessService, jana: str) -> None:
    fail(access, 10, HERE)
    with pytest.raises(TooManyRequests):
        access.passwords.sign_in(ADDRESS, PASSWORD, HERE)
    assert access.passwords.sign_in(ADDRESS, PASSWORD, ELSEWHERE)


def test_a_success_forgets_the_slips_before_it(access: AccessService, jana: str) -> None:
    for _ in range(2):
        fail(access, 9, HERE)
        assert access.passwords.sign_in(ADDRESS, PASSWORD, HERE)


def test_trying_one_password_on_many_people_is_slowed(access: AccessService) -> None:
    for number in range(60):
        fail(access, 1, HERE, f"person{number}@bakery.example")
    with pytest.raises(TooManyRequests):
        access.passwords.sign_in("another@bakery.example", PASSWORD, HERE)


def test_many_addresses_together_get_a_hundred_tries_an_hour(access: AccessService, jana: str) -> None:
    for number in range(10):
        fail(access, 10, f"198.51.100.{number}")
    with pytest.raises(TooManyRequests):
        access.passwords.sign_in(ADDRESS, PASSWORD, HERE)
