"""Cleaning of text that comes from outside, before anything stores or counts it."""

import unicodedata


def clean_text(raw: str) -> str:
    """Return `raw` in Unicode NFC without control characters (newline and tab stay), trimmed.

    Surrogates, which UTF-8 cannot hold, become U+FFFD.
    """
    whole = raw.encode("utf-8", "replace").decode("utf-8")
    kept = (c for c in unicodedata.normalize("NFC", whole) if c in "\n\t" or unicodedata.category(c) != "Cc")
    return "".join(kept).strip()


def count_words(text: str) -> int:
    """Return the number of whitespace-separated words."""
    return len(text.split())
