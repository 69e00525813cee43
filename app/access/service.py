"""The door of this package: keys and sessions say who is calling."""

from app.access.keys import KeyService
from app.access.sessions import SessionService
from core.clock import Clock
from core.database import Database


class AccessService:
    def __init__(self, database: Database, clock: Clock) -> None:
        self.keys = KeyService(database, clock)
        self.sessions = SessionService(database, clock, self.keys)
