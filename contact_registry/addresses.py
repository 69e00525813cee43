"""Addresses of people: match keys that make two spellings one person, and keyed hashes for suppressions.

The rules are those of section b.1 and b.11 of the specification. A match key identifies a person and is
stored beside the original spelling; a suppression stores only hashes (HMAC-SHA256, key kept outside the
database). No message here repeats the address: messages reach logs.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import idna

from contact_registry.values import AddressKeys
from core.errors import InvalidInput

_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_MAX_LOCAL, _MAX_DOMAIN, _MAX_LABEL = 64, 253, 63
_ASCII_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?", re.ASCII)
_PHONE_FILLING = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_PLAIN = re.compile(r"[a-z0-9._+@-]+", re.ASCII)  # nearly every address; the others are looked at letter by letter
_FORBIDDEN = frozenset('<>,;"\\()[]')
# Cc control, Cf invisible (zero-width joiners), Cs lone surrogates, Co private, Cn unassigned, Z* spaces
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Pepper:
    """A secret for suppression hashes. Old versions stay valid for matching, the newest is used for new
    ones.
    """

    version: int
    key: bytes


def email_key(text: str) -> str:
    """The match key of an e-mail address: two addresses are one mailbox iff their keys are equal.

    Lower case, NFC, domain as IDNA A-label (UTS 46, non-transitional) without trailing dot; Gmail alone
    loses dots and +tags. Idempotent. Raises InvalidInput `invalid_email`.
    """
    address = unicodedata.normalize("NFC", text.strip())
    address = unicodedata.normalize("NFC", address.lower())
    local, at, domain = address.partition("@")
    if not at or "@" in domain:
        raise _invalid_email("It must contain exactly one @.")
    if not _PLAIN.fullmatch(address) and any(
        c in _FORBIDDEN or unicodedata.category(c) in _FORBIDDEN_CATEGORIES for c in address
    ):
        raise _invalid_email("Give the bare address: no spaces, quotes, brackets, commas or invisible characters.")
    domain = domain_key(domain)
    if domain in _GMAIL:
        local = local.partition("+")[0].replace(".", "")
        domain = "gmail.com"
    if not local or len(local) > _MAX_LOCAL:
        raise _invalid_email("The part before the @ is empty or longer than 64 characters.")
    return f"{local}@{domain}"


@lru_cache(maxsize=4096)
def domain_key(text: str) -> str:
    """A domain as lower-case A-labels without trailing dot, at least two labels. Raises InvalidInput."""
    domain = text.strip().lower()
    try:
        if not domain.isascii():
            domain = idna.uts46_remap(domain, std3_rules=False, transitional=False)
        domain = domain.removesuffix(".")
        if not domain.isascii() or "xn--" in domain:
            domain = idna.encode(domain, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise _invalid_email("The part after the @ is not a valid internet domain.") from error
    labels = domain.split(".")
    if len(labels) < 2 or len(domain) > _MAX_DOMAIN:
        raise _invalid_email("The part after the @ must be a full domain such as example.com.")
    if any(len(label) > _MAX_LABEL or not _ASCII_LABEL.fullmatch(label) for label in labels):
        raise _invalid_email("The part after the @ is not a valid internet domain.")
    return domain


def phone_key(text: str) -> str:
    """A phone number as E.164: + and 7 to 15 digits, separators dropped. Raises InvalidInput
    `invalid_phone`.
    """
    number = _PHONE_FILLING.sub("", unicodedata.normalize("NFKC", text))
    if not _PHONE.fullmatch(number):
        raise InvalidInput(
            "invalid_phone",
            "This is not an international phone number. Write it with + and the country code, such as +420123456789.",
            field="phone",
        )
    return number


def without_tag(match_key: str) -> str:
    """The key without its +tag, on any domain; suppressions alone compare this form. Phones stay as they
    are.
    """
    local, at, domain = match_key.partition("@")
    bare = local.partition("+")[0]
    return f"{bare}@{domain}" if at and bare else match_key


def hash_key(match_key: str, pepper: Pepper) -> str:
    """HMAC-SHA256 of the kind and the match key, as 64 hexadecimal digits."""
    kind = "email" if "@" in match_key else "phone"
    return hmac.digest(pepper.key, f"{kind}:{match_key}".encode(), "sha256").hex()


def address_keys(match_key: str, peppers: Sequence[Pepper] = ()) -> AddressKeys:
    """How this address is compared with suppressions: one hash per pepper; the key itself where there is
    none.
    """
    bare = without_tag(match_key)
    domain = match_key.partition("@")[2] or None
    if not peppers:
        return AddressKeys(exact=frozenset({match_key}), loose=frozenset({match_key, bare}), domain=domain)
    exact = frozenset([hash_key(match_key, pepper) for pepper in peppers])
    if bare == match_key:
        return AddressKeys(exact, exact, domain)
    return AddressKeys(exact, exact | {hash_key(bare, pepper) for pepper in peppers}, domain)


def stored_keys(exact: str, bare: str | None = None) -> AddressKeys:
    """The keys of a suppression whose hashes stand in the database: of the address, and without its +tag."""
    own = frozenset({exact})
    return AddressKeys(exact=own, loose=own if bare is None else own | {bare})


def _invalid_email(why: str) -> InvalidInput:
    return InvalidInput("invalid_email", f"This is not an e-mail address. {why}", field="email")
