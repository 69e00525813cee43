"""Companies on file: added, changed, found, and shown with everything that touched their people."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from contact_registry import answers, schemas
from contact_registry.actor import Actor
from contact_registry.cursors import read_cursor, write_cursor
from contact_registry.people_service import check_zone
from contact_registry.repeats import RequestKey
from contact_registry.repository import people, touchpoints
from contact_registry.schemas_people import AccountIn, AccountOut, AccountPage
from contact_registry.tables import Account, AccountExternalId
from contact_registry.workplace import Workplace
from core.audit import record_event
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.text import clean_text


class AccountService:
    def __init__(self, workplace: Workplace) -> None:
        self._at = workplace

    def get(self, account_id: str) -> AccountOut:
        """Return the account. Raises NotFound `account_not_found`."""
        with self._at.database.read() as session:
            return self._out(session, [_require(session, account_id)])[0]

    def find(self, query: str = "", *, limit: int = 50, cursor: str | None = None) -> AccountPage:
        """Return accounts by name whose name contains `query`."""
        after = read_cursor(cursor, 2)
        with self._at.database.read() as session:
            key = None if after is None else (after[0], after[1])
            rows = people.page_of_accounts(session, clean_text(query), key, limit + 1)
            items = self._out(session, rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return AccountPage(items=items, next_cursor=write_cursor(last.name, last.id) if last else None)

    def timeline(self, account_id: str, since: datetime | None = None, limit: int = 500) -> list[schemas.TouchpointOut]:
        """Return touchpoints of the company's people, newest first; a year back unless told otherwise."""
        with self._at.database.read() as session:
            _require(session, account_id)
            now = self._at.locks.now(session, self._at.clock)
            start = since or now - timedelta(days=366)
            rows = touchpoints.rows_of_account(session, account_id, start, limit)
            return [answers.touchpoint_out(row, now) for row in rows]

    def add(self, sent: AccountIn, actor: Actor, request: RequestKey | None = None) -> AccountOut:
        """Add an account. Raises Conflict `external_id_taken`, InvalidInput `unknown_zone`."""
        check_zone(sent.tz)

        def work(session: Session) -> AccountOut:
            stored = self._at.repeats.find(session, request)
            if stored is not None:
                return self._out(session, [_require(session, stored.subject_id or "")])[0]
            now = self._at.locks.now(session, self._at.clock)
            account = Account(id=new_id("acc"), name=clean_text(sent.name), tz=sent.tz, created_at=now, updated_at=now)
            session.add(account)
            session.flush()
            self._put_external_ids(session, account.id, sent)
            _audit(session, "account.created", account.id, actor, now)
            answer = self._out(session, [account])[0]
            self._at.repeats.keep(
                session,
                request,
                status=201,
                body=answer.model_dump(mode="json"),
                at=now,
                subject_id=account.id,
                is_personal=True,
            )
            return answer

        return self._at.write(work)

    def change(self, account_id: str, sent: AccountIn, actor: Actor) -> AccountOut:
        """Replace name, zone and further external ids. Raises NotFound, Conflict."""
        check_zone(sent.tz)

        def work(session: Session) -> AccountOut:
            self._at.locks.accounts(session, [account_id])
            account = _require(session, account_id)
            now = self._at.locks.now(session, self._at.clock)
            account.name, account.tz, account.updated_at = clean_text(sent.name), sent.tz, now
            self._put_external_ids(session, account.id, sent)
            _audit(session, "account.changed", account.id, actor, now)
            session.flush()
            return self._out(session, [account])[0]

        return self._at.write(work)

    def _put_external_ids(self, session: Session, account_id: str, sent: AccountIn) -> None:
        for one in sent.external_ids:
            known = session.get(AccountExternalId, (one.system, one.id))
            if known is not None and known.account_id != account_id:
                raise Conflict(
                    "external_id_taken",
                    f"Account {known.account_id} has this id of {one.system!r}.",
                    account=known.account_id,
                )
            if known is None:
                session.add(AccountExternalId(system=one.system, external_id=one.id, account_id=account_id))
        session.flush()

    def _out(self, session: Session, rows: Sequence[Account]) -> list[AccountOut]:
        ids = [row.id for row in rows]
        external: dict[str, list[dict[str, str]]] = defaultdict(list)
        for one in people.account_external_ids(session, ids):
            external[one.account_id].append({"system": one.system, "id": one.external_id})
        counts = people.people_per_account(session, ids)
        return [
            AccountOut(
                id=row.id,
                name=row.name,
                tz=row.tz,
                external_ids=external[row.id],
                people=counts.get(row.id, 0),
                created_at=row.created_at,
            )
            for row in rows
        ]


def _require(session: Session, account_id: str) -> Account:
    account = people.account_rows(session, [account_id]).get(account_id)
    if account is None:
        raise NotFound("account_not_found", f"There is no account {account_id[:40]!r}.")
    return account


def _audit(session: Session, action: str, account_id: str, actor: Actor, now: datetime) -> None:
    record_event(session, at=now, actor=actor.id, action=action, subject_type="account", subject_id=account_id)
    session.flush()
