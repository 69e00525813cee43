"""People: who is invited, what each may do, which teams they are in, and who may no longer come in.

Nothing is sent: an invitation or a new password is a one-time link that an administrator hands over. An e-mail address
is what people sign in with; it never reaches the audit, a log or an error's sentence.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.access import repository
from app.access.permissions import Role
from app.access.sessions import LOCAL_ADMINISTRATOR, add_link
from app.access.tables import User
from core.audit import record_event
from core.clock import Clock
from core.database import Database
from core.directory import require_team
from core.errors import Conflict, InvalidInput, NotFound
from core.ids import new_id
from core.tables import Team
from core.text import clean_text

INVITATION_LIFETIME = timedelta(days=7)
RESET_LIFETIME = timedelta(hours=24)
MAX_NAME_LENGTH = 100
MAX_EMAIL_LENGTH = 254
_EMAIL = re.compile(r"[^\s@<>()\"',;:\\]+@[^\s@<>()\"',;:\\.]+(\.[^\s@<>()\"',;:\\.]+)*")


@dataclass(frozen=True, slots=True)
class UserView:
    """A person as administrators and they themselves see them."""

    id: str
    name: str
    email: str | None
    role: str
    has_privacy: bool
    teams: tuple[str, ...]
    has_password: bool
    uses_single_sign_on: bool
    created_at: datetime
    last_sign_in_at: datetime | None
    disabled_at: datetime | None

    @property
    def is_local(self) -> bool:
        """Whether they stand for whoever runs the machine, and sign in by `earshot sign-in`."""
        return self.id == LOCAL_ADMINISTRATOR

    @property
    def is_invited(self) -> bool:
        """Whether they have never come in: no password yet, and no single sign-on."""
        return not (self.has_password or self.uses_single_sign_on or self.is_local)


@dataclass(frozen=True, slots=True)
class NewUser:
    name: str
    email: str
    role: str = Role.MEMBER
    has_privacy: bool = False
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserChange:
    """What to change; None leaves it as it is."""

    name: str | None = None
    role: str | None = None
    has_privacy: bool | None = None
    teams: tuple[str, ...] | None = None
    is_disabled: bool | None = None


class UserService:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, user_id: str) -> UserView:
        """Raises NotFound `user_not_found`."""
        with self._database.read() as session:
            return view_of(session, _require(session, user_id))

    def find(self, email_or_id: str) -> UserView:
        """Return the person with this address or id. Raises NotFound `user_not_found`."""
        with self._database.read() as session:
            user = repository.find_user_by_email(session, email_or_id.strip().lower())
            return view_of(session, user or _require(session, email_or_id.strip()))

    def invite(self, wanted: NewUser, actor: str) -> tuple[UserView, str]:
        """Add the person and return them with the token of their one-time link, which holds for seven days.

        Raises InvalidInput naming the field; Conflict `email_taken`.
        """
        name, email, role = checked_name(wanted.name), checked_email(wanted.email), _checked_role(wanted.role)
        now = self._clock.now()
        with self._database.write() as session:
            check_email_is_free(session, email)
            user = User(
                id=new_id("usr"), name=name, email=email, role=role, has_privacy=wanted.has_privacy, created_at=now
            )
            session.add(user)
            session.flush()
            _put_teams(session, user.id, wanted.teams)
            token = add_link(session, user.id, "invitation", now, INVITATION_LIFETIME)
            detail = {"role": role, "privacy": wanted.has_privacy, "teams": sorted(set(wanted.teams))}
            _record(session, now, actor, "user.invited", user.id, detail)
            return view_of(session, user), token

    def new_link(self, user_id: str, actor: str) -> str:
        """Return the token of a new link to choose a password; older ones stop working.

        Who never came in is invited again (seven days); for others it is a reset (one day).
        Raises NotFound; Conflict `user_disabled`.
        """
        now = self._clock.now()
        with self._database.write() as session:
            user = _require(session, user_id)
            if user.disabled_at is not None:
                raise Conflict("user_disabled", "This person is disabled: enable them first.")
            if view_of(session, user).is_invited:
                _record(session, now, actor, "user.invited", user.id, {"again": True})
                return add_link(session, user.id, "invitation", now, INVITATION_LIFETIME)
            _record(session, now, actor, "user.reset_link_created", user.id)
            return add_link(session, user.id, "reset", now, RESET_LIFETIME)

    def change(self, user_id: str, change: UserChange, actor: str) -> UserView:
        """Change what is given; it holds from the person's next request on. Disabling ends their sessions and links.

        Raises NotFound; InvalidInput; Conflict `last_administrator` when nobody would be left to administer.
        """
        now = self._clock.now()
        with self._database.write() as session:
            administrators = repository.lock_administrators(session)
            user = _require(session, user_id)
            if change.name is not None and checked_name(change.name) != user.name:
                user.name = checked_name(change.name)
                _record(session, now, actor, "user.renamed", user.id)
            if change.role is not None and change.role != user.role:
                detail = {"from": user.role, "to": _checked_role(change.role)}
                user.role = detail["to"]
                _record(session, now, actor, "user.role_changed", user.id, detail)
            if change.has_privacy is not None and change.has_privacy != user.has_privacy:
                user.has_privacy = change.has_privacy
                _record(session, now, actor, "user.privacy_changed", user.id, {"privacy": user.has_privacy})
            if change.teams is not None:
                change_teams(session, user.id, change.teams, actor, now)
            if change.is_disabled is not None and change.is_disabled != (user.disabled_at is not None):
                _set_disabled(session, user, change.is_disabled, actor, now)
            _check_somebody_administers(administrators)
            return view_of(session, user)

    def members(self, team_id: str) -> list[UserView]:
        """Return the people of a team, by name. Raises NotFound `team_not_found`."""
        with self._database.read() as session:
            _check_team(session, team_id)
            views = [view_of(session, user) for user in repository.list_users(session)]
        return sorted(
            (view for view in views if team_id in view.teams), key=lambda view: (view.name.casefold(), view.id)
        )

    def set_member(self, team_id: str, user_id: str, is_member: bool, actor: str) -> UserView:
        """Put the person into the team, or take them out. Raises NotFound."""
        with self._database.write() as session:
            _check_team(session, team_id)
            user = _require(session, user_id)
            teams = repository.teams_of(session, user.id)
            wanted = teams | {team_id} if is_member else teams - {team_id}
            change_teams(session, user.id, wanted, actor, self._clock.now())
            return view_of(session, user)

    def list(self) -> list[UserView]:
        """Return everybody, by name; those who are disabled come last."""
        with self._database.read() as session:
            views = [view_of(session, user) for user in repository.list_users(session)]
        return sorted(views, key=lambda view: (view.disabled_at is not None, view.name.casefold(), view.id))


def view_of(session: Session, user: User) -> UserView:
    return UserView(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        has_privacy=user.has_privacy,
        teams=tuple(sorted(repository.teams_of(session, user.id))),
        has_password=user.password_hash is not None,
        uses_single_sign_on=user.subject is not None,
        created_at=user.created_at,
        last_sign_in_at=user.last_sign_in_at,
        disabled_at=user.disabled_at,
    )


def checked_name(name: str) -> str:
    """Raises InvalidInput `invalid_user_name`."""
    name = clean_text(name).replace("\n", " ").strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidInput("invalid_user_name", f"A person's name has 1 to {MAX_NAME_LENGTH} characters.", field="name")
    return name


def checked_email(email: str) -> str:
    """Return the address as it is compared and stored, in lower case. Raises InvalidInput `invalid_email`."""
    email = clean_text(email).strip().lower()
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        raise InvalidInput("invalid_email", "This is no e-mail address such as name@example.org.", field="email")
    return email


def check_email_is_free(session: Session, email: str) -> None:
    """Raises Conflict `email_taken`."""
    if repository.find_user_by_email(session, email) is not None:
        raise Conflict("email_taken", "Somebody with this e-mail address is here already.", field="email")


def change_teams(session: Session, user_id: str, teams: Iterable[str], actor: str, at: datetime) -> None:
    """Make these the person's teams and record who joined what. Raises InvalidInput `unknown_team`."""
    before, after = repository.teams_of(session, user_id), frozenset(teams)
    if before == after:
        return
    _put_teams(session, user_id, after)
    detail = {"joined": sorted(after - before), "left": sorted(before - after)}
    _record(session, at, actor, "user.teams_changed", user_id, detail)


def _put_teams(session: Session, user_id: str, teams: Iterable[str]) -> None:
    wanted = sorted(set(teams))
    for team_id in wanted:
        require_team(session, team_id)
    repository.put_teams(session, user_id, wanted)


def _set_disabled(session: Session, user: User, is_disabled: bool, actor: str, at: datetime) -> None:
    user.disabled_at = at if is_disabled else None
    if is_disabled:
        repository.delete_sessions_of(session, user.id)
        repository.delete_all_links_of(session, user.id)
    _record(session, at, actor, "user.disabled" if is_disabled else "user.enabled", user.id)


def _check_somebody_administers(administrators: list[User]) -> None:
    """`administrators` were those able to sign in before the change; the same rows say who still is."""
    if administrators and not any(
        user.role == Role.ADMINISTRATOR and user.disabled_at is None for user in administrators
    ):
        raise Conflict(
            "last_administrator",
            "This is the last administrator who can sign in: make somebody else an administrator first.",
        )


def _checked_role(role: str) -> str:
    if role not in [known.value for known in Role]:
        raise InvalidInput("invalid_role", f"A role is one of {', '.join(Role)}.", field="role")
    return Role(role).value


def _check_team(session: Session, team_id: str) -> None:
    if session.get(Team, team_id) is None:
        raise NotFound("team_not_found", "There is no team with this id.")


def _require(session: Session, user_id: str) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("user_not_found", "There is nobody with this id.")
    return user


def _record(
    session: Session, at: datetime, actor: str, action: str, user_id: str, detail: Mapping[str, object] | None = None
) -> None:
    record_event(
        session, at=at, actor=actor, action=action, subject_type="user", subject_id=user_id, detail=dict(detail or {})
    )
