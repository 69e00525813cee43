"""Which spellings are one address, and what a suppression keeps of it."""

from __future__ import annotations

import pytest

from contact_registry.addresses import (
    Pepper,
    address_keys,
    domain_key,
    email_key,
    hash_key,
    phone_key,
    stored_keys,
    without_tag,
)
from core.errors import InvalidInput

OLD, NEW = Pepper(1, b"old secret"), Pepper(2, b"new secret")


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("  J.Doe+x@GoogleMail.com ", "jdoe@gmail.com"),
        ("Jane+x@Corp.Example", "jane+x@corp.example"),
        ("j.doe@corp.example.", "j.doe@corp.example"),
        ("info@Bücher.example", "info@xn--bcher-kva.example"),
        ("info@xn--bcher-kva.example", "info@xn--bcher-kva.example"),
        ("info@bücher。example", "info@xn--bcher-kva.example"),
        ("a@faß.example", "a@xn--fa-hia.example"),
        ("cafe\u0301@corp.example", "café@corp.example"),
        ("straße@corp.example", "straße@corp.example"),
        ("o'neil@a-b.corp.example", "o'neil@a-b.corp.example"),
    ],
)
def test_an_address_has_one_match_key(spelling: str, key: str) -> None:
    assert email_key(spelling) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nope",
        "a@b@corp.example",
        "Jane <jane@corp.example>",
        "jane doe@corp.example",
        "a@corp.example,b@corp.example",
        "jane@localhost",
        "@corp.example",
        "+@gmail.com",
        "...@gmail.com",
        "jane@corp..example",
        "jane@-corp.example",
        "jane@.example",
        "ja\u200bne@corp.example",
        "jane@corp.example\x00",
        "jane@xn--a.example",
        "jane@" + "a" * 64 + ".example",
        "j" * 65 + "@corp.example",
        "\ud800@corp.example",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        email_key(text)
    assert refused.value.code == "invalid_email"
    assert not text or text not in refused.value.message


def test_a_domain_is_compared_as_a_labels_without_its_trailing_dot() -> None:
    assert domain_key("RIVAL.Example.") == "rival.example"
    assert domain_key("bücher.example") == "xn--bcher-kva.example"


@pytest.mark.parametrize("text", ["+420 123 456 789", "+420-123-456-789", "+420(123)456789", "+420\u00a0123.456.789"])
def test_a_phone_number_is_kept_as_e164(text: str) -> None:
    assert phone_key(text) == "+420123456789"


@pytest.mark.parametrize("text", ["", "123456789", "00420123456789", "+0420123456789", "+420 abc", "+1234567890123456"])
def test_a_phone_number_without_a_country_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        phone_key(text)
    assert refused.value.code == "invalid_phone"


def test_only_the_tag_is_dropped_for_suppressions() -> None:
    assert without_tag("jane+promo@corp.example") == "jane@corp.example"
    assert without_tag("jane@corp.example") == "jane@corp.example"
    assert without_tag("+tag@corp.example") == "+tag@corp.example"
    assert without_tag("+420123456789") == "+420123456789"


def test_hashes_differ_by_secret_and_by_kind_and_do_not_hold_the_address() -> None:
    digest = hash_key("jane@corp.example", OLD)
    assert len(digest) == 64
    assert digest != hash_key("jane@corp.example", NEW)
    assert "jane" not in "".join(address_keys("jane@corp.example", [OLD]).loose)


def test_an_address_meets_a_stored_hash_of_an_older_secret() -> None:
    stored = stored_keys(hash_key("jane+promo@corp.example", OLD), hash_key("jane@corp.example", OLD))
    asked = address_keys("jane@corp.example", [OLD, NEW])
    assert not asked.loose.isdisjoint(stored.loose)
    assert asked.exact.isdisjoint(stored.exact)
    assert asked.domain == "corp.example"
