"""Opaque, time-ordered ids with a prefix that says what they name (`int_…` an interview, `tp_…` a touchpoint)."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case


def new_id(prefix: str) -> str:
    """Return `prefix_` and 26 characters: 48 bits of milliseconds, then 80 random bits (the layout of a ULID)."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    characters = [_ALPHABET[(value >> (5 * place)) & 31] for place in range(25, -1, -1)]
    return f"{prefix}_{''.join(characters)}"
