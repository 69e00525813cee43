"""Random secrets and the digests that are stored in their place."""

import hashlib
import hmac
import secrets

KEY_PREFIX = "ear_"


def new_secret() -> str:
    """Return 256 random bits as text that fits into an address."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return the SHA-256 that is stored: enough for secrets that are random (a password is hashed by Argon2id)."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def form_token(cookie_secret: str) -> str:
    """Return the token that forms of this browser must carry: derived from its cookie, of no use without it."""
    return hashlib.sha256(b"form:" + cookie_secret.encode()).hexdigest()


def form_token_matches(cookie_secret: str, given: str) -> bool:
    return hmac.compare_digest(form_token(cookie_secret).encode(), given.encode("utf-8", "replace"))
