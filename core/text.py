"""Cleaning of text that comes from outside, before anything stores or counts it."""

import re
import unicodedata

_LINE_END = re.compile("\r\n?")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean_text(raw: str) -> str:
    """Return `raw` in Unicode NFC without control characters (newline and tab stay), trimmed.

    Line ends become a newline. A lone surrogate, which UTF-8 cannot hold, becomes a question mark.
    """
    whole = raw.encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub("", unicodedata.normalize("NFC", _LINE_END.sub("\n", whole))).strip()


def count_words(text: str) -> int:
    """Return the number of whitespace-separated words."""
    return len(text.split())
