"""Signing in with a password, and choosing one: by an invitation, by an administrator's reset link, or anew.

Refusals say the same, after the same work, for a wrong password, an unknown address and a person who is disabled.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from limits import RateLimitItemPerMinute
from sqlmodel import Session

from app.access import repository
from app.access.password_rules import PasswordHashes, check_new_password
from app.access.secrets import digest
from app.access.sessions import SessionService
from app.access.tables import User
from app.access.throttle import Throttle
from app.access.users import UserView, check_email_is_free, checked_email, checked_name, view_of
from core.audit import record_event
from core.clock import Clock
from core.database import Database
from core.errors import InvalidInput, NotFound, Unauthorized

logger = logging.getLogger("earshot.access")

CHOOSING = ("invitation", "reset")  # purposes of the links with which a password is chosen

# One address that tries one person's passwords is slowed first. What it may send in an hour (40) stays below what
# everybody together may send for one person, so that a stranger alone cannot keep that person out.
PER_PERSON_AND_CLIENT = RateLimitItemPerMinute(10, 15)
PER_CLIENT = RateLimitItemPerMinute(60, 5)
PER_PERSON = RateLimitItemPerMinute(100, 60)


@dataclass(frozen=True, slots=True)
class Choosing:
    """Whose password a link lets choose, and why: `purpose` is `invitation` or `reset`."""

    user: UserView
    purpose: str
    expires_at: datetime


class PasswordService:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        sessions: SessionService,
        throttle: Throttle,
        hashes: PasswordHashes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._throttle = throttle
        self._hashes = hashes

    def is_used(self) -> bool:
        """Whether anybody has a password."""
        with self._database.read() as session:
            return any(user.password_hash is not None for user in repository.list_users(session))

    def sign_in(self, email: str, password: str, client: str, device: str = "") -> str:
        """Return the secret of a new session. `client` is the network address that asks.

        Raises TooManyRequests; Unauthorized `wrong_password`, whatever was wrong.
        """
        person = digest(email.strip().lower())
        self._throttle.count(PER_CLIENT, "sign-in-client", client)
        self._throttle.count(PER_PERSON_AND_CLIENT, "sign-in", person, client)
        self._throttle.count(PER_PERSON, "sign-in-person", person)
        with self._database.read() as session:
            user = repository.find_user_by_email(session, email.strip().lower())
        known_hash = None if user is None or user.disabled_at is not None else user.password_hash
        if not self._hashes.match(password, known_hash) or user is None or known_hash is None:
            logger.warning("a password was refused for %s", user.id if user else "an unknown address")
            raise Unauthorized("wrong_password", "This e-mail address and this password do not belong together.")
        self._throttle.forget(PER_PERSON_AND_CLIENT, "sign-in", person, client)
        if self._hashes.is_outdated(known_hash):
            self._store(user.id, self._hashes.make(password))
        return self._sessions.begin(user.id, device)

    def choosing(self, token: str) -> Choosing:
        """Return whose password the link lets choose, without using it up. Raises Unauthorized `invalid_link`."""
        with self._database.read() as session:
            link = repository.find_link(session, digest(token.strip()), CHOOSING, self._clock.now())
            user = self._owner(session, None if link is None else link.user_id)
            assert link is not None
            return Choosing(view_of(session, user), link.purpose, link.expires_at)

    def choose(self, token: str, password: str, device: str = "") -> str:
        """Use the link up, set the password, end all sessions of that person and return the secret of a new one.

        Raises Unauthorized `invalid_link`; InvalidInput as `check_new_password`, which leaves the link usable.
        """
        choosing = self.choosing(token)
        new_hash = self._hashes.make(check_new_password(password, _about(choosing.user)))
        with self._database.write() as session:
            used = repository.use_link(session, digest(token.strip()), choosing.purpose, self._clock.now())
            action = "user.joined" if choosing.purpose == "invitation" else "user.password_reset"
            self._put(session, self._owner(session, used), new_hash, action)
        return self._sessions.begin(choosing.user.id, device)

    def change(self, user_id: str, old: str, new: str, client: str, device: str = "") -> str:
        """Set a new password, end all sessions of that person and return the secret of a new one.

        `old` is asked for where there is one. Raises TooManyRequests; InvalidInput `wrong_password` or as
        `check_new_password`.
        """
        user = self._confirm(user_id, old, client)
        new_hash = self._hashes.make(check_new_password(new, _about(user)))
        with self._database.write() as session:
            self._put(session, _require(session, user_id), new_hash, "user.password_changed")
        return self._sessions.begin(user_id, device)

    def change_profile(self, user_id: str, name: str, email: str, password: str, client: str) -> None:
        """Set a person's own name and address; another address needs their password, where they have one.

        Raises InvalidInput; Conflict `email_taken`; TooManyRequests.
        """
        name = checked_name(name)
        wanted = checked_email(email) if email.strip() else None
        with self._database.read() as session:
            present = _require(session, user_id)
        if wanted != present.email:
            if wanted is None:
                raise InvalidInput("invalid_email", "An e-mail address can be changed, not removed.", field="email")
            self._confirm(user_id, password, client)
        with self._database.write() as session:
            user = _require(session, user_id)
            if name != user.name:
                user.name = name
                self._record(session, "user.renamed", user_id)
            if wanted != user.email and wanted is not None:
                check_email_is_free(session, wanted)
                user.email = wanted
                self._record(session, "user.email_changed", user_id)

    def _confirm(self, user_id: str, password: str, client: str) -> UserView:
        """Return the person if this is their present password, or if they have none."""
        self._throttle.count(PER_PERSON_AND_CLIENT, "confirm", user_id, client)
        with self._database.read() as session:
            user = _require(session, user_id)
            view = view_of(session, user)
        if user.password_hash is not None and not self._hashes.match(password, user.password_hash):
            raise InvalidInput("wrong_password", "This is not your present password.", field="old_password")
        self._throttle.forget(PER_PERSON_AND_CLIENT, "confirm", user_id, client)
        return view

    def _owner(self, session: Session, user_id: str | None) -> User:
        user = None if user_id is None else session.get(User, user_id)
        if user is None or user.disabled_at is not None:
            raise Unauthorized(
                "invalid_link", "This link is unknown, used or too old: ask an administrator for a new one."
            )
        return user

    def _put(self, session: Session, user: User, new_hash: str, action: str) -> None:
        user.password_hash = new_hash
        repository.delete_sessions_of(session, user.id)
        for purpose in CHOOSING:
            repository.delete_links_of(session, user.id, purpose)
        self._record(session, action, user.id)

    def _store(self, user_id: str, new_hash: str) -> None:
        with self._database.write() as session:
            _require(session, user_id).password_hash = new_hash

    def _record(self, session: Session, action: str, user_id: str) -> None:
        record_event(
            session, at=self._clock.now(), actor=user_id, action=action, subject_type="user", subject_id=user_id
        )


def _about(user: UserView) -> tuple[str, ...]:
    return (user.name, user.email or "")


def _require(session: Session, user_id: str) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("user_not_found", "There is nobody with this id.")
    return user
