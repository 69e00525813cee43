"""Keys and sign-in. `app/api` and `app/pages` ask it who is calling; `earshot key create` makes the first key.

For now there is one local administrator, who signs in with the one-time link that `earshot serve` prints or with
an administrator's key. Decision 0004 says why.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.access import repository
from app.access.tables import ApiKey, SignInLink, WebSession
from core.audit import record_event
from core.clock import Clock
from core.database import Database
from core.errors import InvalidInput, NotFound, Unauthorized
from core.ids import new_id
from core.text import clean_text

ADMINISTRATOR = "administrator"
RESERVED_SOURCES = frozenset({"cli", "page", "sample", "system"})  # a key's name is the source of what it sends
LINK_LIFETIME = timedelta(hours=12)
SESSION_LIFETIME = timedelta(days=14)
LAST_USED_RESOLUTION = timedelta(minutes=1)  # a write per request would serialise readers for a figure nobody needs


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: `id` goes into the audit, `source` names where their interviews come from."""

    id: str
    name: str
    role: str
    source: str


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as lists show it; the secret is known only at its creation."""

    id: str
    name: str
    hint: str
    role: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


LOCAL_ADMINISTRATOR = Principal(id="usr_local", name="Administrator", role=ADMINISTRATOR, source="page")


class AccessService:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create_key(self, name: str, actor: str) -> tuple[KeyView, str]:
        """Make an administrator's key and return it with its secret, which cannot be read again."""
        name = clean_text(name)
        if not 1 <= len(name) <= 100:
            raise InvalidInput("invalid_key_name", "A key's name has 1 to 100 characters.", field="name")
        if name.lower() in RESERVED_SOURCES:
            raise InvalidInput("reserved_key_name", f"The name {name!r} is used by Earshot itself: take another.")
        secret = "ear_" + secrets.token_urlsafe(32)
        now = self._clock.now()
        key = ApiKey(
            id=new_id("key"),
            name=name,
            secret_hash=_digest(secret),
            hint=secret[:8],
            role=ADMINISTRATOR,
            created_at=now,
            created_by=actor,
        )
        with self._database.write() as session:
            session.add(key)
            record_event(session, at=now, actor=actor, action="key.created", subject_type="key", subject_id=key.id)
        return _view(key), secret

    def list_keys(self) -> list[KeyView]:
        with self._database.read() as session:
            return [_view(key) for key in repository.list_keys(session)]

    def revoke_key(self, key_id: str, actor: str) -> None:
        """Stop the key at once; a second time changes nothing. Raises NotFound."""
        now = self._clock.now()
        with self._database.write() as session:
            key = session.get(ApiKey, key_id)
            if key is None:
                raise NotFound("key_not_found", "There is no such key.")
            if key.revoked_at is None:
                key.revoked_at = now
                record_event(session, at=now, actor=actor, action="key.revoked", subject_type="key", subject_id=key_id)

    def principal_of_key(self, secret: str) -> Principal:
        """Return who holds this key. Raises Unauthorized `invalid_key` for unknown and revoked ones alike."""
        now = self._clock.now()
        with self._database.read() as session:
            key = repository.find_key(session, _digest(secret))
        if key is None or key.revoked_at is not None:
            raise Unauthorized(
                "invalid_key", "This API key is unknown or revoked; `earshot key create NAME` makes one."
            )
        if key.last_used_at is None or now - key.last_used_at >= LAST_USED_RESOLUTION:
            with self._database.write() as session:
                repository.touch_key(session, key.id, now)
        return Principal(id=key.id, name=key.name, role=key.role, source=key.name)

    def create_sign_in_link(self) -> str:
        """Return a token that signs the local administrator in once, within LINK_LIFETIME."""
        secret = secrets.token_urlsafe(24)
        now = self._clock.now()
        with self._database.write() as session:
            repository.delete_expired(session, now)
            session.add(SignInLink(secret_hash=_digest(secret), created_at=now, expires_at=now + LINK_LIFETIME))
        return secret

    def sign_in(self, token: str) -> str:
        """Turn a one-time link's token or an API key into a new browser session and return the session's secret."""
        token = token.strip()
        principal = self._principal_of_token(token)
        secret = secrets.token_urlsafe(32)
        now = self._clock.now()
        with self._database.write() as session:
            session.add(
                WebSession(
                    secret_hash=_digest(secret),
                    principal_id=principal.id,
                    principal_name=principal.name,
                    role=principal.role,
                    created_at=now,
                    expires_at=now + SESSION_LIFETIME,
                )
            )
            record_event(
                session,
                at=now,
                actor=principal.id,
                action="session.created",
                subject_type="user",
                subject_id=principal.id,
            )
        return secret

    def _principal_of_token(self, token: str) -> Principal:
        if token.startswith("ear_"):
            return self.principal_of_key(token)
        with self._database.write() as session:
            used = repository.use_link(session, _digest(token), self._clock.now())
        if not used:
            raise Unauthorized(
                "invalid_sign_in_link",
                "This sign-in link is unknown, used or too old; `earshot sign-in` prints a new one.",
            )
        return LOCAL_ADMINISTRATOR

    def principal_of_session(self, secret: str) -> Principal:
        """Return who is signed in. Raises Unauthorized `session_expired`."""
        with self._database.read() as session:
            found = repository.find_session(session, _digest(secret), self._clock.now())
            key_revoked = found is not None and self._is_revoked(session.get(ApiKey, found.principal_id))
        if found is None or key_revoked:
            raise Unauthorized("session_expired", "Your session has ended: sign in again.")
        return Principal(id=found.principal_id, name=found.principal_name, role=found.role, source="page")

    @staticmethod
    def _is_revoked(key: ApiKey | None) -> bool:
        return key is not None and key.revoked_at is not None

    def sign_out(self, secret: str) -> None:
        with self._database.write() as session:
            repository.delete_session(session, _digest(secret))


def form_token(cookie_secret: str) -> str:
    """Return the token that forms of this browser must carry: derived from its cookie, of no use without it."""
    return hashlib.sha256(b"form:" + cookie_secret.encode()).hexdigest()


def form_token_matches(cookie_secret: str, given: str) -> bool:
    return hmac.compare_digest(form_token(cookie_secret), given)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _view(key: ApiKey) -> KeyView:
    return KeyView(key.id, key.name, key.hint, key.role, key.created_at, key.last_used_at, key.revoked_at)
