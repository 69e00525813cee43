"""Passwords: what makes one acceptable (NIST SP 800-63B-4, section 3.1.1), and how they are stored (Argon2id).

A password is normalised (NFKC) before anything else, so that it is the same on every keyboard.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from core.errors import InvalidInput

MIN_LENGTH = 15  # of a password that is the only factor; no rule about kinds of characters, and none about age
MAX_LENGTH = 256  # the standard asks for 64 or more
_SCORE_WANTED = 4  # zxcvbn's best: more than 10^10 guesses
_ESTIMATED_LENGTH = 32  # the estimate takes seconds on long texts made for it, and this much says enough
_WORD = re.compile(r"\w{3,}")

_AT_ONCE = threading.BoundedSemaphore(4)  # bounds the memory that a rush of sign-ins can take
_ESTIMATING = threading.Lock()  # zxcvbn keeps the words of its present caller in a global


def normalised(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def check_new_password(password: str, about: Iterable[str]) -> str:
    """Return the password normalised, if it may be chosen by the person whom the texts `about` name.

    Raises InvalidInput `password_too_short`, `password_too_long`, `password_too_common`; no message holds the password.
    """
    password = normalised(password)
    if len(password) < MIN_LENGTH:
        raise InvalidInput(
            "password_too_short",
            f"A password has at least {MIN_LENGTH} characters: four unusual words make a good one.",
            field="password",
        )
    if len(password) > MAX_LENGTH:
        raise InvalidInput("password_too_long", f"A password has at most {MAX_LENGTH} characters.", field="password")
    if not _is_hard_to_guess(password, _context(about)):
        raise InvalidInput(
            "password_too_common",
            "This password is easy to guess: it is on lists of known passwords, repeats itself or is made of your name "
            "or of Earshot's. Take several words that have nothing to do with each other.",
            field="password",
        )
    return password


class PasswordHashes:
    """Argon2id with the library's profile (RFC 9106's second choice, 64 MiB); tests take a quicker hasher."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._of_nobody = ""

    def make(self, password: str) -> str:
        """Return the hash, with its parameters and a salt of its own."""
        with _AT_ONCE:
            return self._hasher.hash(normalised(password))

    def match(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password; without a hash the answer is False after the same work."""
        if password_hash is None and not self._of_nobody:
            self._of_nobody = self.make("the password of nobody")
        try:
            with _AT_ONCE:
                self._hasher.verify(password_hash or self._of_nobody, normalised(password))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than those of now, so that it should be made again."""
        return self._hasher.check_needs_rehash(password_hash)


def _context(about: Iterable[str]) -> list[str]:
    texts = ["earshot", *(text.lower() for text in about)]
    return texts + [word for text in texts for word in _WORD.findall(text)]


def _is_hard_to_guess(password: str, context: list[str]) -> bool:
    with _ESTIMATING:
        try:
            estimate = zxcvbn("".join(password.split())[:_ESTIMATED_LENGTH] or "-", user_inputs=context)
        finally:
            zxcvbn("-", user_inputs=[])  # forgets the person
    return int(estimate["score"]) >= _SCORE_WANTED
