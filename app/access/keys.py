"""API keys: what other programs, and people's scripts, show with each request.

A key acts for a person, for a team, or for the workspace; its scopes bound what it may do. Its name is the source of
what it sends, so one name belongs to one owner; a key can be replaced by a new one of the same name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.access import repository
from app.access.permissions import SCOPES, Permission, Role
from app.access.principals import Principal, of_key
from app.access.secrets import KEY_PREFIX, digest, new_secret
from app.access.tables import ApiKey, User
from core.audit import record_event
from core.clock import Clock
from core.database import Database
from core.directory import require_team
from core.errors import Forbidden, InvalidInput, NotFound, Unauthorized
from core.ids import new_id
from core.text import clean_text

RESERVED_SOURCES = frozenset({"cli", "interview", "page", "sample", "system"})  # a key's name is its source
LAST_USED_RESOLUTION = timedelta(minutes=1)  # a write per request would serialise readers for a figure nobody needs
MAX_NAME_LENGTH = 100
_MOST_HOLDERS = 1000  # kept in memory


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as lists show it; the secret is known only at its creation."""

    id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    user_id: str | None
    team_id: str | None
    hides_contacts: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to make: for a person, for a team, or for neither. `expires_at` None: until it is revoked."""

    name: str
    scopes: Sequence[str] = (Permission.ADMIN,)
    user_id: str | None = None
    team_id: str | None = None
    expires_at: datetime | None = None
    hides_contacts: bool = False


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who holds a key, as read from the database in `version`; good for any moment before `until`."""

    principal: Principal
    version: int
    until: datetime


class KeyService:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._holders: dict[str, _Holder] = {}  # by the key's digest; out of date with the next commit of anybody

    def create(self, wanted: NewKey, actor: str, maker: Principal | None = None) -> tuple[KeyView, str]:
        """Make a key and return it with its secret, which cannot be read again.

        `maker` may give no more than they hold themselves, and only administrators give keys to others; None is the
        owner of the machine. Raises InvalidInput with the field that is wrong, Forbidden `not_permitted`.
        """
        name = _checked_name(wanted.name)
        scopes = _checked_scopes(wanted.scopes)
        secret, now = KEY_PREFIX + new_secret(), self._clock.now()
        if wanted.expires_at is not None and wanted.expires_at <= now:
            raise InvalidInput("expired_key", "The key would have expired already.", field="expires_at")
        if maker is not None:
            _check_maker(maker, wanted, scopes)
        with self._database.write() as session:
            _check_owner(session, wanted)
            if repository.is_name_of_another(session, name, wanted.user_id, wanted.team_id):
                raise InvalidInput(
                    "key_name_taken", "A key of this name acts for somebody else: take another name.", field="name"
                )
            key = ApiKey(
                id=new_id("key"),
                name=name,
                secret_hash=digest(secret),
                hint=secret[:8],
                scopes=list(scopes),
                user_id=wanted.user_id,
                team_id=wanted.team_id,
                hides_contacts=wanted.hides_contacts,
                expires_at=wanted.expires_at,
                created_at=now,
                created_by=actor,
            )
            session.add(key)
            detail = {"scopes": list(scopes), "user": wanted.user_id, "team": wanted.team_id}
            record_event(
                session,
                at=now,
                actor=actor,
                action="key.created",
                subject_type="key",
                subject_id=key.id,
                detail={name: value for name, value in detail.items() if value is not None},
            )
        return _view(key), secret

    def list(self, of_user: str | None = None) -> list[KeyView]:
        """Return the keys, newest first; with `of_user` only that person's."""
        with self._database.read() as session:
            keys = repository.list_keys(session)
        return [_view(key) for key in keys if of_user is None or key.user_id == of_user]

    def revoke(self, key_id: str, actor: str, of_user: str | None = None) -> None:
        """Stop the key at once; a second time changes nothing. Raises NotFound, also for another person's key."""
        now = self._clock.now()
        with self._database.write() as session:
            key = session.get(ApiKey, key_id)
            if key is None or (of_user is not None and key.user_id != of_user):
                raise NotFound("key_not_found", "There is no such key.")
            if key.revoked_at is None:
                key.revoked_at = now
                record_event(session, at=now, actor=actor, action="key.revoked", subject_type="key", subject_id=key_id)

    def principal_of(self, secret: str) -> Principal:
        """Return who holds this key.

        Raises Unauthorized `invalid_key` for unknown, revoked and expired ones alike, and where its owner has left.
        """
        now, version, hashed = self._clock.now(), self._database.version(), digest(secret)
        holder = self._holders.get(hashed)
        if holder is not None and holder.version == version and now < holder.until:
            return holder.principal
        with self._database.read() as session:
            key = repository.find_key(session, hashed)
            principal = None if key is None else principal_of_row(session, key, now)
        if key is None or principal is None:
            raise Unauthorized(
                "invalid_key", "This API key is unknown, revoked or expired; `earshot key create NAME` makes one."
            )
        if key.last_used_at is None or now - key.last_used_at >= LAST_USED_RESOLUTION:
            with self._database.write() as session:
                repository.touch_key(session, key.id, now)
        elif version is not None:
            if len(self._holders) >= _MOST_HOLDERS:
                self._holders.clear()
            until = key.last_used_at + LAST_USED_RESOLUTION
            self._holders[hashed] = _Holder(principal, version, min(until, key.expires_at or until))
        return principal


def principal_of_row(session: Session, key: ApiKey, now: datetime) -> Principal | None:
    """Return who calls with `key`; None when it is revoked or expired, or its owner gone or disabled."""
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    owner = None if key.user_id is None else session.get(User, key.user_id)
    if key.user_id is not None and (owner is None or owner.disabled_at is not None):
        return None
    return of_key(session, key, owner)


def _checked_name(name: str) -> str:
    name = clean_text(name)
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidInput("invalid_key_name", f"A key's name has 1 to {MAX_NAME_LENGTH} characters.", field="name")
    if name.lower() in RESERVED_SOURCES:
        raise InvalidInput(
            "reserved_key_name", f"The name {name!r} is used by Earshot itself: take another.", field="name"
        )
    return name


def _checked_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    known = [scope.value for scope in SCOPES]
    if not scopes or any(scope not in known for scope in scopes):
        raise InvalidInput("invalid_scopes", f"A key has one or more of the scopes {', '.join(known)}.", field="scopes")
    return tuple(scope for scope in known if scope in scopes)


def _check_maker(maker: Principal, wanted: NewKey, scopes: Sequence[str]) -> None:
    if maker.may(Permission.ADMIN):
        return
    if not maker.role:  # or one that expires, or to which contacts are hidden, would make one that does not
        raise Forbidden("not_permitted", "A key makes no other keys: sign in to make one.")
    if wanted.user_id is None or wanted.user_id != maker.user_id:
        raise Forbidden("not_permitted", "Only an administrator makes keys for teams, for the workspace or for others.")
    if not all(maker.may(Permission(scope)) for scope in scopes):
        raise Forbidden("not_permitted", "A key can be given no more than you may do yourself.")


def _check_owner(session: Session, wanted: NewKey) -> None:
    if wanted.hides_contacts and Permission.ADMIN in wanted.scopes:
        raise InvalidInput("invalid_scopes", "A key that hides contacts cannot administer.", field="scopes")
    if wanted.user_id is not None and wanted.team_id is not None:
        raise InvalidInput("two_owners", "A key acts for a person or for a team, not for both.", field="team")
    if wanted.team_id is not None:
        require_team(session, wanted.team_id)
        if Permission.ADMIN in wanted.scopes:
            raise InvalidInput("invalid_scopes", "A team's key cannot administer the workspace.", field="scopes")
    if wanted.user_id is not None:
        owner = session.get(User, wanted.user_id)
        if owner is None or owner.disabled_at is not None:
            raise InvalidInput("unknown_user", "There is nobody with this id who could own the key.", field="user")
        if Permission.ADMIN in wanted.scopes and owner.role != Role.ADMINISTRATOR:
            raise InvalidInput(
                "invalid_scopes", "Only an administrator's key can have the scope admin.", field="scopes"
            )


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        hint=key.hint,
        scopes=tuple(key.scopes),
        user_id=key.user_id,
        team_id=key.team_id,
        hides_contacts=key.hides_contacts,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
