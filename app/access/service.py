"""The door of this package: who is calling, how people come in, and who may look into which project."""

from typing import TYPE_CHECKING

from app.access.keys import KeyService
from app.access.password_rules import PasswordHashes
from app.access.passwords import PasswordService
from app.access.projects import ProjectService
from app.access.sessions import SessionService
from app.access.single_sign_on import SingleSignOn
from app.access.throttle import Throttle
from app.access.users import UserService
from core.clock import Clock
from core.database import Database

if TYPE_CHECKING:
    from app.access.openid_provider import OpenIdProvider


class AccessService:
    """`provider` is whom single sign-on asks; None: there is none."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        hashes: PasswordHashes | None = None,
        provider: "OpenIdProvider | None" = None,
    ) -> None:
        self.throttle = Throttle()
        self.keys = KeyService(database, clock)
        self.sessions = SessionService(database, clock, self.keys)
        self.projects = ProjectService(database, clock)
        self.users = UserService(database, clock)
        self.passwords = PasswordService(database, clock, self.sessions, self.throttle, hashes or PasswordHashes())
        self.single_sign_on = SingleSignOn(database, clock, self.sessions, provider) if provider else None
