"""Turns what the OpenID provider vouches for into a session: who it is, which teams they are in now.

A person is known by (issuer, subject). Whoever is new becomes a member at once; somebody invited is recognised the
first time by an e-mail address that the provider has verified. A password here is never taken over by an address.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from app.access import repository
from app.access.permissions import Role
from app.access.sessions import SessionService
from app.access.tables import User
from app.access.users import MAX_NAME_LENGTH, change_teams, checked_email, view_of
from core.audit import record_event
from core.clock import Clock
from core.database import Database
from core.directory import list_teams
from core.errors import Conflict, Forbidden, InvalidInput
from core.ids import new_id
from core.text import clean_text

if TYPE_CHECKING:  # its libraries are loaded only where single sign-on is configured
    from app.access.openid_provider import OpenIdProvider


CALLBACK = "/sign-in/single-sign-on/callback"  # the one path to which the provider sends people back


@dataclass(frozen=True, slots=True)
class Handshake:
    """What ties the answer to the browser that asked; none of its parts tells another, or the secret."""

    secret: str

    @property
    def state(self) -> str:
        return self._derived("state")

    @property
    def nonce(self) -> str:
        return self._derived("nonce")

    @property
    def code_verifier(self) -> str:
        return self._derived("code_verifier")

    def _derived(self, purpose: str) -> str:
        digest = hmac.digest(self.secret.encode(), purpose.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class SingleSignOn:
    def __init__(self, database: Database, clock: Clock, sessions: SessionService, provider: "OpenIdProvider") -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._provider = provider

    def address(self, handshake: Handshake) -> str:
        """Return where to send the browser. Raises Unavailable."""
        return self._provider.address(handshake)

    def sign_in(self, answer: Mapping[str, str], handshake: Handshake, device: str = "") -> str:
        """Return the secret of a new session for whom the provider sent back.

        Raises Unauthorized `single_sign_on_refused`; Forbidden `user_disabled`; Conflict `email_taken`; Unavailable.
        """
        now = self._clock.now()
        claims = self._provider.claims(answer, handshake, now)
        with self._database.write() as session:
            user = self._known_user(session, claims, now)
            if user.disabled_at is not None:
                raise Forbidden("user_disabled", "You can no longer sign in to this Earshot: ask an administrator.")
            groups = _groups(claims.get(self._provider.groups_claim))
            if groups is not None:
                teams = [team.id for team in list_teams(session) if {team.id, team.name.casefold()} & groups]
                change_teams(session, user.id, teams, user.id, now)
        return self._sessions.begin(user.id, device)

    def _known_user(self, session: Session, claims: Mapping[str, Any], now: datetime) -> User:
        issuer, subject = self._provider.issuer, claims["sub"]
        user = repository.find_user_by_subject(session, issuer, subject)
        if user is not None:
            return user
        email = _verified_email(claims)
        user = None if email is None else repository.find_user_by_email(session, email)
        if user is not None and not view_of(session, user).is_invited:
            raise Conflict(
                "email_taken",
                "Somebody here has your e-mail address already, with a password or another identity: sign in with "
                "that. The two cannot be joined.",
            )
        if user is None:
            user = User(id=new_id("usr"), name=_name(claims), email=email, role=Role.MEMBER.value, created_at=now)
            session.add(user)
        user.issuer, user.subject = issuer, subject
        session.flush()
        repository.delete_all_links_of(session, user.id)
        record_event(
            session,
            at=now,
            actor=user.id,
            action="user.joined",
            subject_type="user",
            subject_id=user.id,
            detail={"by": "single_sign_on"},
        )
        return user


def _verified_email(claims: Mapping[str, Any]) -> str | None:
    """Return the address if the provider says, in so many words, that it belongs to the person."""
    if claims.get("email_verified") is not True:
        return None
    given = str(claims.get("email", ""))
    try:
        email = checked_email(given)
    except InvalidInput:
        return None
    # Another letter than a plain one may become one in lower case (the Kelvin sign, a k): that is another mailbox.
    return None if email.isascii() and not given.isascii() else email


def _name(claims: Mapping[str, Any]) -> str:
    for claim in ("name", "preferred_username", "email"):
        name = clean_text(str(claims.get(claim) or "")).replace("\n", " ").strip()
        if name:
            return name.partition("@")[0][:MAX_NAME_LENGTH] or "Somebody"
    return "Somebody"


def _groups(claim: object) -> frozenset[str] | None:
    """Return the names of the groups as they are compared; None when the provider says nothing about groups."""
    if claim is None:
        return None
    listed = claim if isinstance(claim, list) else [claim]
    return frozenset(group.casefold() for group in listed if isinstance(group, str))
