"""English words to their stems by Porter's algorithm. `stems` calls it for English.

Snowball's `porter` lacks the two departures its author made later (`logi` and `bli` in step 2), which are here: with
it "technology" and "technological" would part. Source: M. F. Porter, "An algorithm for suffix stripping", Program
14(3), 1980.
"""

from __future__ import annotations

from itertools import pairwise

_STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble", "alli": "al",
    "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al",
    "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble", "logi": "log",
}  # fmt: skip
_STEP_3 = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
    "ous", "ive", "ize",
)  # fmt: skip


def porter_stem(word: str) -> str:
    """Return the stem of a lower-case word; what is no English word comes back nearly unchanged."""
    if len(word) <= 2 or not word.isascii() or not word.isalpha():
        return word
    return _step_5(_step_4(_replace(_replace(_step_1(word), _STEP_2), _STEP_3)))


def _is_consonant(word: str, place: int) -> bool:
    if word[place] in "aeiou":
        return False
    return word[place] != "y" or place == 0 or not _is_consonant(word, place - 1)


def _measure(word: str) -> int:
    """Return how many times vowels are followed by consonants."""
    forms = [_is_consonant(word, place) for place in range(len(word))]
    return sum(1 for before, after in pairwise(forms) if after and not before)


def _has_vowel(word: str) -> bool:
    return any(not _is_consonant(word, place) for place in range(len(word)))


def _ends_double(word: str) -> bool:
    return len(word) > 1 and word[-1] == word[-2] and _is_consonant(word, len(word) - 1)


def _ends_short(word: str) -> bool:
    """Return whether the word ends consonant, vowel, consonant other than w, x and y."""
    if len(word) < 3 or word[-1] in "wxy":
        return False
    last = len(word) - 1
    return _is_consonant(word, last) and not _is_consonant(word, last - 1) and _is_consonant(word, last - 2)


def _step_1(word: str) -> str:
    if word.endswith(("sses", "ies")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    word = _without_past(word)
    if word.endswith("y") and _has_vowel(word[:-1]):
        return word[:-1] + "i"
    return word


def _without_past(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        if word.endswith(suffix):
            root = word[: -len(suffix)]
            return _mended(root) if _has_vowel(root) else word
    return word


def _mended(root: str) -> str:
    if root.endswith(("at", "bl", "iz")):
        return root + "e"
    if _ends_double(root) and root[-1] not in "lsz":
        return root[:-1]
    if _measure(root) == 1 and _ends_short(root):
        return root + "e"
    return root


def _replace(word: str, endings: dict[str, str]) -> str:
    """Replace the longest of `endings` that fits, when what stands before it has a vowel and a consonant."""
    for length in range(min(len(word), 7), 1, -1):
        ending = word[-length:]
        if ending in endings:
            root = word[:-length]
            return root + endings[ending] if _measure(root) > 0 else word
    return word


def _step_4(word: str) -> str:
    for length in range(min(len(word), 5), 1, -1):
        ending = word[-length:]
        if ending in _STEP_4:
            root = word[:-length]
            fits = _measure(root) > 1 and (ending != "ion" or root.endswith(("s", "t")))
            return root if fits else word
    return word


def _step_5(word: str) -> str:
    if word.endswith("e"):
        root = word[:-1]
        if _measure(root) > 1 or (_measure(root) == 1 and not _ends_short(root)):
            word = root
    if word.endswith("ll") and _measure(word) > 1:
        word = word[:-1]
    return word
