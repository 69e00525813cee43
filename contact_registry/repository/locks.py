"""What makes a claim atomic: the order of locks, and "now" read after they are granted.

SQLite: the transaction is `BEGIN IMMEDIATE`, one writer at a time, so nothing is left to lock. PostgreSQL at
READ COMMITTED: rules (advisory), accounts, contacts, each in its own statement and in order of ids; only then are
the log and the stops read, in later statements, so that their snapshots see the winner's insert.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from contact_registry.tables import Account, Contact
from core.clock import Clock, SystemClock

_RULES_LOCK = 7_201_145_001  # any number that no other part of the program locks


def is_postgres(session: Session) -> bool:
    """Return whether this session's database has row and advisory locks."""
    return session.get_bind().dialect.name == "postgresql"


class Locks:
    """Taken in the order of the methods. Tests pass weaker ones to prove that the races are caught."""

    def name(self, session: Session, name: str) -> bool:
        """Take the lock of a name (an idempotency key) unless somebody holds it; on SQLite nobody else can."""
        if not is_postgres(session):
            return True
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        return bool(session.connection().execute(select(func.pg_try_advisory_xact_lock(key))).scalar_one())

    def rules_shared(self, session: Session) -> None:
        """Keep the rules as they are until the end of the transaction; activation waits."""
        if is_postgres(session):
            session.connection().execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _RULES_LOCK})

    def rules_exclusive(self, session: Session) -> None:
        """Wait for running claims and keep new ones out until the rules have changed."""
        if is_postgres(session):
            session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _RULES_LOCK})

    def accounts(self, session: Session, ids: Iterable[str]) -> None:
        """Lock these accounts, in order of their ids."""
        wanted = sorted(set(ids))
        if wanted and is_postgres(session):
            query = select(col(Account.id)).where(col(Account.id).in_(wanted)).order_by(col(Account.id))
            session.connection().execute(query.with_for_update(key_share=True)).all()

    def contacts(self, session: Session, ids: Iterable[str]) -> None:
        """Lock these contacts, in order of their ids; read them again afterwards, they may have been merged."""
        wanted = sorted(set(ids))
        if wanted and is_postgres(session):
            query = select(col(Contact.id)).where(col(Contact.id).in_(wanted)).order_by(col(Contact.id))
            session.connection().execute(query.with_for_update(key_share=True)).all()

    def now(self, session: Session, clock: Clock) -> datetime:
        """Return the present instant, to be called after the locks are granted.

        With several application machines only one clock may decide, so PostgreSQL's is asked; a clock that was
        set by hand stays in charge.
        """
        if isinstance(clock, SystemClock) and is_postgres(session):
            present: datetime = session.connection().execute(select(func.clock_timestamp())).scalar_one()
            return present.replace(microsecond=present.microsecond // 1000 * 1000)
        return clock.now()
