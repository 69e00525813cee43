"""People and their addresses: finding them for a question (many at once), and reading them for pages."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, literal, or_, select, union_all
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from contact_registry.quick_values import quick_value
from contact_registry.repository.lists import in_list
from contact_registry.tables import (
    Account,
    AccountExternalId,
    Contact,
    ContactAddress,
    ContactExternalId,
    ContactSegment,
)

CHUNK = 900  # values in one IN list: below the limits of SQLite and PostgreSQL, above a page of anything
_NONE: frozenset[str] = frozenset()
LONG_CHUNK = 10_000  # values in one `in_list`, which has no limit of its own


@quick_value
class Person:
    """A contact with what questions need of it; `addresses` are (kind, match key, key without +tag)."""

    id: str
    account: str | None
    tz: str | None
    account_tz: str | None
    account_name: str | None
    merged_into: str | None
    erased_at: datetime | None
    addresses: tuple[tuple[str, str, str], ...] = ()
    segments: frozenset[str] = frozenset()


def chunks(values: Iterable[str], size: int = CHUNK) -> Iterator[list[str]]:
    """Yield the distinct values, sorted, in lists that fit one statement."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


# Statements on the way of every check are built once: building one costs more than running it.
_PERSON = (
    select(
        col(Contact.id),
        col(Contact.account_id),
        col(Contact.tz),
        col(Account.tz),
        col(Account.name),
        col(Contact.merged_into),
        col(Contact.erased_at),
    )
    .select_from(Contact)
    .join(Account, col(Account.id) == col(Contact.account_id), isouter=True)
    .where(in_list(col(Contact.id), "ids"))
)
_BELONGINGS = union_all(
    select(
        col(ContactAddress.contact_id),
        col(ContactAddress.kind),
        col(ContactAddress.match_key),
        col(ContactAddress.untagged_key),
    ).where(in_list(col(ContactAddress.contact_id), "ids")),
    select(col(ContactSegment.contact_id), literal("segment"), col(ContactSegment.segment), literal("")).where(
        in_list(col(ContactSegment.contact_id), "ids")
    ),
)
_OWNERS = select(col(ContactAddress.match_key), col(ContactAddress.contact_id)).where(
    col(ContactAddress.kind) == bindparam("kind"), in_list(col(ContactAddress.match_key), "ids")
)
_ZONES = (
    select(col(Contact.id), func.coalesce(col(Contact.tz), col(Account.tz)))
    .select_from(Contact)
    .join(Account, col(Account.id) == col(Contact.account_id), isouter=True)
    .where(in_list(col(Contact.id), "ids"))
)


def find_people(session: Session, ids: Iterable[str]) -> dict[str, Person]:
    """Return the contacts of these ids as they are, merged and erased ones included."""
    connection = session.connection()
    found: dict[str, Person] = {}
    for some in chunks(ids, LONG_CHUNK):
        rows = connection.execute(_PERSON, {"ids": some}).all()
        addresses: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        segments: dict[str, set[str]] = defaultdict(set)
        for owner, kind, key, untagged in connection.execute(_BELONGINGS, {"ids": some}).all():
            if kind == "segment":
                segments[owner].add(key)
            else:
                addresses[owner].append((kind, key, untagged))
        for owner, account, tz, account_tz, account_name, merged_into, erased_at in rows:
            found[owner] = Person(
                id=owner,
                account=account,
                tz=tz,
                account_tz=account_tz,
                account_name=account_name,
                merged_into=merged_into,
                erased_at=erased_at,
                addresses=tuple(addresses[owner]),
                segments=frozenset(segments[owner]) if owner in segments else _NONE,
            )
    return found


def find_owners(session: Session, kind: str, keys: Iterable[str]) -> dict[str, str]:
    """Return match key → contact id for those of the keys that are on file."""
    found: dict[str, str] = {}
    for some in chunks(keys, LONG_CHUNK):
        rows = session.connection().execute(_OWNERS, {"kind": kind, "ids": some}).all()
        found |= {key: owner for key, owner in rows}  # noqa: C416 - a result is no mapping
    return found


def zones_of(session: Session, ids: Iterable[str]) -> dict[str, str | None]:
    """Return contact id → their zone or their account's; None where neither says."""
    found: dict[str, str | None] = {}
    for some in chunks(ids, LONG_CHUNK):
        rows = session.connection().execute(_ZONES, {"ids": some})
        found |= {contact: zone for contact, zone in rows}  # noqa: C416 - a result is no mapping
    return found


def live_ids(session: Session, *, after: str = "", limit: int = 1_000_000_000) -> list[str]:
    """Return ids of contacts that are neither merged nor erased, in order."""
    query = select(col(Contact.id)).where(_is_live(), col(Contact.id) > after).order_by(col(Contact.id)).limit(limit)
    return list(session.connection().execute(query).scalars())


def count_live(session: Session) -> int:
    """Return how many contacts are neither merged nor erased."""
    return int(session.connection().execute(select(func.count()).select_from(Contact).where(_is_live())).scalar_one())


def _is_live() -> ColumnElement[bool]:
    return and_(col(Contact.merged_into).is_(None), col(Contact.erased_at).is_(None))


def merged_from(session: Session, contact_id: str) -> list[str]:
    """Return ids of contacts that are redirects to this one, in order."""
    query = select(col(Contact.id)).where(col(Contact.merged_into) == contact_id).order_by(col(Contact.id))
    return list(session.connection().execute(query).scalars())


def contact_rows(session: Session, ids: Iterable[str]) -> dict[str, Contact]:
    """Return the rows themselves, to read or to change."""
    found: dict[str, Contact] = {}
    for some in chunks(ids):
        found.update({row.id: row for row in session.exec(select_rows(Contact).where(col(Contact.id).in_(some)))})
    return found


def address_rows(session: Session, contact_ids: Iterable[str]) -> list[ContactAddress]:
    """Return the addresses of these contacts, oldest first."""
    rows: list[ContactAddress] = []
    for some in chunks(contact_ids):
        query = (
            select_rows(ContactAddress).where(col(ContactAddress.contact_id).in_(some)).order_by(col(ContactAddress.id))
        )
        rows += session.exec(query)
    return rows


def segment_rows(session: Session, contact_ids: Iterable[str]) -> list[ContactSegment]:
    """Return the segments of these contacts, in order of their names."""
    rows: list[ContactSegment] = []
    for some in chunks(contact_ids):
        query = select_rows(ContactSegment).where(col(ContactSegment.contact_id).in_(some))
        rows += session.exec(query.order_by(col(ContactSegment.segment)))
    return rows


def external_id_rows(session: Session, contact_ids: Iterable[str]) -> list[ContactExternalId]:
    rows: list[ContactExternalId] = []
    for some in chunks(contact_ids):
        rows += session.exec(select_rows(ContactExternalId).where(col(ContactExternalId.contact_id).in_(some)))
    return rows


def find_by_external_id(session: Session, system: str, external_id: str) -> str | None:
    """Return the id of the contact that another system knows by this id."""
    found = session.get(ContactExternalId, (system, external_id))
    return None if found is None else found.contact_id


def page_of_contacts(
    session: Session,
    *,
    name_part: str | None,
    keys: Sequence[tuple[str, str]],
    account: str | None,
    segment: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[Contact]:
    """Return live contacts by name, then id. Every given filter must hold; `name_part` or one of `keys` matches."""
    shown = func.coalesce(col(Contact.name), "")
    query = select_rows(Contact).where(_is_live())
    either: list[ColumnElement[bool]] = [
        col(Contact.id).in_(
            select(col(ContactAddress.contact_id)).where(
                col(ContactAddress.kind) == kind, col(ContactAddress.match_key) == key
            )
        )
        for kind, key in keys
    ]
    if name_part:
        either.append(func.lower(shown).contains(name_part.lower(), autoescape=True))
    if either:
        query = query.where(or_(*either))
    if account is not None:
        query = query.where(col(Contact.account_id) == account)
    if segment is not None:
        query = query.where(
            col(Contact.id).in_(select(col(ContactSegment.contact_id)).where(col(ContactSegment.segment) == segment))
        )
    if after is not None:
        query = query.where(or_(shown > after[0], and_(shown == after[0], col(Contact.id) > after[1])))
    return list(session.exec(query.order_by(shown, col(Contact.id)).limit(limit)))


def contacts_of_name(session: Session, name: str, limit: int) -> list[Contact]:
    """Return live contacts of exactly this name, oldest first."""
    query = select_rows(Contact).where(_is_live(), col(Contact.name) == name)
    return list(session.exec(query.order_by(col(Contact.id)).limit(limit)))


def similar_contacts(session: Session, contact: Contact, addresses: Sequence[ContactAddress]) -> list[str]:
    """Return ids of live contacts that may be the same person: equal address without its +tag, or name and account."""
    signs: list[ColumnElement[bool]] = [
        col(Contact.id).in_(
            select(col(ContactAddress.contact_id)).where(
                col(ContactAddress.kind) == address.kind,
                col(ContactAddress.untagged_key) == address.untagged_key,
            )
        )
        for address in addresses
    ]
    if contact.name and contact.account_id:
        signs.append(and_(col(Contact.name) == contact.name, col(Contact.account_id) == contact.account_id))
    if not signs:
        return []
    query = select(col(Contact.id)).where(_is_live(), col(Contact.id) != contact.id, or_(*signs))
    return list(session.connection().execute(query.order_by(col(Contact.id)).limit(50)).scalars())


def count_contacts(session: Session) -> int:
    """Return the number of contacts that are neither merged nor erased."""
    return int(session.connection().execute(select(func.count()).select_from(Contact).where(_is_live())).scalar_one())


def delete_segments(session: Session, contact_id: str) -> None:
    session.connection().execute(delete(ContactSegment).where(col(ContactSegment.contact_id) == contact_id))


def delete_addresses(session: Session, contact_id: str) -> None:
    session.connection().execute(delete(ContactAddress).where(col(ContactAddress.contact_id) == contact_id))


def delete_external_ids(session: Session, contact_id: str) -> None:
    session.connection().execute(delete(ContactExternalId).where(col(ContactExternalId.contact_id) == contact_id))


def account_rows(session: Session, ids: Iterable[str]) -> dict[str, Account]:
    found: dict[str, Account] = {}
    for some in chunks(ids):
        found.update({row.id: row for row in session.exec(select_rows(Account).where(col(Account.id).in_(some)))})
    return found


def page_of_accounts(session: Session, name_part: str, after: tuple[str, str] | None, limit: int) -> list[Account]:
    """Return accounts by name, then id, whose names contain `name_part`."""
    query = select_rows(Account)
    if name_part:
        query = query.where(func.lower(col(Account.name)).contains(name_part.lower(), autoescape=True))
    if after is not None:
        query = query.where(
            or_(col(Account.name) > after[0], and_(col(Account.name) == after[0], col(Account.id) > after[1]))
        )
    return list(session.exec(query.order_by(col(Account.name), col(Account.id)).limit(limit)))


def account_external_ids(session: Session, account_ids: Iterable[str]) -> list[AccountExternalId]:
    rows: list[AccountExternalId] = []
    for some in chunks(account_ids):
        rows += session.exec(select_rows(AccountExternalId).where(col(AccountExternalId.account_id).in_(some)))
    return rows


def people_per_account(session: Session, account_ids: Iterable[str]) -> dict[str, int]:
    """Return account id → number of live contacts."""
    found: dict[str, int] = {}
    for some in chunks(account_ids):
        query = (
            select(col(Contact.account_id), func.count())
            .where(col(Contact.account_id).in_(some), _is_live())
            .group_by(col(Contact.account_id))
        )
        found.update({account: count for account, count in session.connection().execute(query) if account})
    return found


def find_owners_by_untagged(session: Session, keys: Iterable[str]) -> dict[str, str]:
    """Return address without its +tag → a contact who has it in some spelling."""
    found: dict[str, str] = {}
    for some in chunks(keys):
        query = select(col(ContactAddress.untagged_key), col(ContactAddress.contact_id)).where(
            col(ContactAddress.kind) == "email", col(ContactAddress.untagged_key).in_(some)
        )
        found.update({key: owner for key, owner in session.connection().execute(query)})  # noqa: C416
    return found


def find_by_untagged_key(session: Session, key: str) -> list[str]:
    """Return ids of contacts with an address that equals this one without its +tag."""
    query = select(col(ContactAddress.contact_id)).where(col(ContactAddress.untagged_key) == key)
    return sorted(set(session.connection().execute(query).scalars()))
