"""Browser sessions and the one-time links that begin them.

A session's secret is made anew at each sign-in and stored as a digest; what its principal may do is looked up at each
request, so a changed role, a disabled person or a revoked key takes effect at once.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app.access import repository
from app.access.keys import KeyService, principal_of_row
from app.access.permissions import Permission
from app.access.principals import Principal, of_user
from app.access.secrets import KEY_PREFIX, digest, new_secret
from app.access.tables import ApiKey, SignInLink, User, WebSession
from core.audit import record_event
from core.clock import Clock
from core.database import Database
from core.errors import Forbidden, NotFound, Unauthorized
from core.ids import new_id

LOCAL_ADMINISTRATOR = "usr_local"  # made by the migration: whoever runs the machine
LINK_LIFETIME = timedelta(hours=12)
SESSION_LIFETIME = timedelta(days=14)
LAST_SEEN_RESOLUTION = timedelta(minutes=5)
MAX_DEVICE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class SessionView:
    """A signed-in browser as its owner sees it."""

    id: str
    device: str
    created_at: datetime
    last_seen_at: datetime
    is_this: bool


class SessionService:
    def __init__(self, database: Database, clock: Clock, keys: KeyService) -> None:
        self._database = database
        self._clock = clock
        self._keys = keys

    def create_link(
        self, user_id: str = LOCAL_ADMINISTRATOR, purpose: str = "sign_in", lifetime: timedelta = LINK_LIFETIME
    ) -> str:
        """Return the token of a link that works once; `purpose` is `sign_in`, `invitation` or `reset`."""
        with self._database.write() as session:
            return add_link(session, user_id, purpose, self._clock.now(), lifetime)

    def sign_in(self, token: str, device: str = "") -> str:
        """Turn a one-time link's token or an administrator's key into a new session and return its secret.

        Raises: Unauthorized `invalid_sign_in_link`, `invalid_key`; Forbidden `not_permitted` for other keys.
        """
        token = token.strip()
        if token.startswith(KEY_PREFIX):
            principal = self._keys.principal_of(token)
            if not principal.may(Permission.ADMIN):
                raise Forbidden("not_permitted", "Only an administrator's key signs in to the pages.")
            return self.begin(principal.id, device)
        with self._database.write() as session:
            user_id = repository.use_link(session, digest(token), "sign_in", self._clock.now())
            user = None if user_id is None else session.get(User, user_id)
        if user is None or user.disabled_at is not None:
            raise Unauthorized(
                "invalid_sign_in_link",
                "This sign-in link is unknown, used or too old; `earshot sign-in` prints a new one.",
            )
        return self.begin(user.id, device)

    def begin(self, principal_id: str, device: str = "") -> str:
        """Begin a session for somebody who has proved who they are, and return its secret."""
        secret, now = new_secret(), self._clock.now()
        with self._database.write() as session:
            repository.delete_expired(session, now)
            user = session.get(User, principal_id)
            if user is not None:
                user.last_sign_in_at = now
            session.add(
                WebSession(
                    secret_hash=digest(secret),
                    id=new_id("ses"),
                    principal_id=principal_id,
                    device=device[:MAX_DEVICE_LENGTH],
                    created_at=now,
                    last_seen_at=now,
                    expires_at=now + SESSION_LIFETIME,
                )
            )
            _audit(session, now, principal_id, "session.created", principal_id)
        return secret

    def principal_of(self, secret: str) -> Principal:
        """Return who is signed in. Raises Unauthorized `session_expired`."""
        now = self._clock.now()
        with self._database.read() as session:
            found = repository.find_session(session, digest(secret), now)
            principal = None if found is None else _principal(session, found.principal_id, now)
        if found is None or principal is None:
            raise Unauthorized("session_expired", "Your session has ended: sign in again.")
        if now - found.last_seen_at >= LAST_SEEN_RESOLUTION:
            with self._database.write() as session:
                repository.touch_session(session, found.secret_hash, now)
        return principal

    def sign_out(self, secret: str) -> None:
        now = self._clock.now()
        with self._database.write() as session:
            found = repository.find_session(session, digest(secret), now)
            if found is not None:
                _audit(session, now, found.principal_id, "session.ended", found.principal_id)
            repository.delete_session(session, digest(secret))

    def list(self, principal_id: str, secret: str) -> list[SessionView]:
        """Return somebody's live sessions; `secret` is that of the browser that asks."""
        with self._database.read() as session:
            found = repository.sessions_of(session, principal_id, self._clock.now())
        this = digest(secret)
        return [
            SessionView(row.id, row.device, row.created_at, row.last_seen_at, row.secret_hash == this) for row in found
        ]

    def end(self, principal_id: str, session_id: str) -> None:
        """End one session of theirs. Raises NotFound."""
        with self._database.write() as session:
            rows = repository.sessions_of(session, principal_id, self._clock.now())
            row = next((row for row in rows if row.id == session_id), None)
            if row is None:
                raise NotFound("session_not_found", "There is no such session.")
            repository.delete_session(session, row.secret_hash)
            _audit(session, self._clock.now(), principal_id, "session.ended", principal_id)

    def end_all(self, principal_id: str, actor: str, *, but: str | None = None) -> None:
        """Sign them out everywhere, except in the browser with the session secret `but`."""
        with self._database.write() as session:
            repository.delete_sessions_of(session, principal_id, but="" if but is None else digest(but))
            _audit(session, self._clock.now(), actor, "session.all_ended", principal_id)


def add_link(session: Session, user_id: str, purpose: str, now: datetime, lifetime: timedelta) -> str:
    """Add a one-time link to the caller's transaction and return its token.

    A newer link of the same purpose replaces the older one, except for signing in.
    """
    secret = new_secret()
    repository.delete_expired(session, now)
    if purpose != "sign_in":
        repository.delete_links_of(session, user_id, purpose)
    session.add(
        SignInLink(
            secret_hash=digest(secret), purpose=purpose, user_id=user_id, created_at=now, expires_at=now + lifetime
        )
    )
    return secret


def _principal(session: Session, principal_id: str, now: datetime) -> Principal | None:
    user = session.get(User, principal_id)
    if user is not None:
        return None if user.disabled_at is not None else of_user(session, user)
    key = session.get(ApiKey, principal_id)
    principal = None if key is None else principal_of_row(session, key, now)
    return None if principal is None else replace(principal, source="page")


def _audit(session: Session, at: datetime, actor: str, action: str, user_id: str) -> None:
    record_event(session, at=at, actor=actor, action=action, subject_type="user", subject_id=user_id)
