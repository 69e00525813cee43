"""People on file: added, changed, found, and shown with what may be done and everything that was."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from contact_registry import answers, schemas
from contact_registry.actor import Actor
from contact_registry.addresses import email_key, phone_key
from contact_registry.cursors import read_cursor, write_cursor
from contact_registry.reading import not_found
from contact_registry.registrar import address_taken, email_row, phone_row
from contact_registry.repeats import RequestKey
from contact_registry.repository import people, touchpoints
from contact_registry.schemas_people import ContactChange, ContactIn, ContactOut, ContactPage, ProfileOut
from contact_registry.tables import Contact, ContactAddress, ContactExternalId, ContactSegment
from contact_registry.values import SuppressionSource
from contact_registry.workplace import Workplace
from contact_registry.zones import zone_exists
from core.audit import record_event
from core.errors import Conflict, InvalidInput
from core.ids import new_id
from core.text import clean_text

TIMELINE = timedelta(days=366)
# The question of a profile's badge: an ordinary contact of no team in particular, now.
_ANY_TEAM, _ANY_CHANNEL, _ANY_PURPOSE = "", "email", "outreach"


class PeopleService:
    def __init__(self, workplace: Workplace) -> None:
        self._at = workplace

    def get(self, contact_id: str) -> ContactOut:
        """Return the contact, or whoever it was merged into. Raises NotFound, Gone."""
        with self._at.database.read() as session:
            return self._out(session, self._at.reader.person(session, contact_id).id)

    def by_email(self, email: str) -> ContactOut:
        """Return whose address this is. Raises NotFound `contact_not_found`, InvalidInput `invalid_email`."""
        key = email_key(email)
        with self._at.database.read() as session:
            owner = people.find_owners(session, "email", [key]).get(key)
            if owner is None:
                raise not_found("with this address")
            return self._out(session, self._at.reader.person(session, owner).id)

    def named(self, name: str) -> list[ContactOut]:
        """Return the people of exactly this name, a few at most."""
        with self._at.database.read() as session:
            return self._many(session, people.contacts_of_name(session, _name(name) or "", limit=5))

    def accounts_of(self, contact_ids: Iterable[str]) -> dict[str, str | None]:
        """Return contact id → company, for those on file."""
        with self._at.database.read() as session:
            return {person.id: person.account for person in people.find_people(session, contact_ids).values()}

    def is_erased(self, email: str) -> bool:
        """Say whether this is the address of somebody who asked for erasure. Raises InvalidInput `invalid_email`."""
        with self._at.database.read() as session:
            stops = self._at.reader.stops_of(session, self._at.reader.stranger(email_key(email)).view)
            return any(stop.source is SuppressionSource.ERASURE for stop in stops)

    def find(
        self,
        query: str = "",
        *,
        account: str | None = None,
        segment: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> ContactPage:
        """Return contacts by name whose name contains `query` or whose address or phone it is."""
        after = read_cursor(cursor, 2)
        query = clean_text(query)
        with self._at.database.read() as session:
            rows = people.page_of_contacts(
                session,
                name_part=query or None,
                keys=_keys_of(query),
                account=account,
                segment=segment,
                after=None if after is None else (after[0], after[1]),
                limit=limit + 1,
            )
            items = self._many(session, rows[:limit])
        more = len(rows) > limit
        last = rows[limit - 1] if more else None
        return ContactPage(items=items, next_cursor=write_cursor(last.name or "", last.id) if last else None)

    def profile(self, contact_id: str, actor: Actor) -> ProfileOut:
        """Return the contact with what may be done now and a year of history, everything ahead included."""
        with self._at.database.read() as session:
            known = self._at.reader.rules(session)
            now = self._at.locks.now(session, self._at.clock)
            subject = self._at.reader.subject(session, contact_id, None)
            asked = schemas.QuestionIn.model_construct(
                contact=contact_id,
                email=None,
                at=now,
                team=_ANY_TEAM,
                channel=_ANY_CHANNEL,
                purpose=_ANY_PURPOSE,
            )
            decision = self._at.judge(session, known, self._at.question(subject, asked, now), now)
            assert subject.view.id is not None, "a profile is of somebody on file"
            contact = self._out(session, subject.view.id)
            rows = touchpoints.rows_of_contact(session, subject.view.id, now - TIMELINE)
            row = people.contact_rows(session, [subject.view.id])[subject.view.id]
            addresses = people.address_rows(session, [row.id])
            similar = people.similar_contacts(session, row, addresses)
        check = self._at.check_out(decision, known, actor)
        return ProfileOut(
            **contact.model_dump(exclude={"badge", "next_eligible_at"}),
            badge=check.badge,
            next_eligible_at=check.next_eligible_at,
            check=check,
            timeline=[answers.touchpoint_out(one, now) for one in rows],
            suspected_duplicates=similar,
        )

    def timeline(self, contact_id: str, since: datetime | None = None) -> list[schemas.TouchpointOut]:
        """Return the person's touchpoints of every status and team, newest first."""
        with self._at.database.read() as session:
            person = self._at.reader.person(session, contact_id)
            now = self._at.locks.now(session, self._at.clock)
            return [answers.touchpoint_out(row, now) for row in touchpoints.rows_of_contact(session, person.id, since)]

    def add(self, sent: ContactIn, actor: Actor, request: RequestKey | None = None) -> ContactOut:
        """Add a contact. Raises Conflict `address_taken`, `external_id_taken`, InvalidInput."""

        def work(session: Session) -> ContactOut:
            stored = self._at.repeats.find(session, request)
            if stored is not None:
                return self._out(session, self._at.reader.person(session, stored.subject_id or "").id)
            now = self._at.locks.now(session, self._at.clock)
            self._check_account_and_zone(session, sent.account, sent.tz)
            contact = Contact(
                id=new_id("con"),
                name=_name(sent.name),
                account_id=sent.account,
                tz=sent.tz,
                created_at=now,
                updated_at=now,
            )
            session.add(contact)
            session.flush()
            self._add_addresses(session, contact.id, sent.emails, sent.phones, now)
            self._add_segments(session, contact.id, sent.segments)
            self._add_external_ids(session, contact.id, [(one.system, one.id) for one in sent.external_ids])
            _audit(session, "contact.created", contact.id, actor, now)
            session.flush()
            answer = self._out(session, contact.id)
            self._at.repeats.keep(
                session,
                request,
                status=201,
                body=answer.model_dump(mode="json"),
                at=now,
                subject_id=contact.id,
                contact_id=contact.id,
                is_personal=True,
            )
            return answer

        return self._at.write(work)

    def change(self, contact_id: str, sent: ContactChange, actor: Actor) -> ContactOut:
        """Change what was sent, leave the rest. Raises NotFound, Gone, Conflict `address_taken`."""

        def work(session: Session) -> ContactOut:
            subject = self._at.lock_person(session, contact_id, None)
            assert subject.view.id is not None, "a contact of this id is on file"
            now = self._at.locks.now(session, self._at.clock)
            contact = people.contact_rows(session, [subject.view.id])[subject.view.id]
            given = sent.model_fields_set
            self._check_account_and_zone(session, sent.account, sent.tz)
            if "name" in given:
                contact.name = _name(sent.name)
            if "account" in given:
                contact.account_id = sent.account
            if "tz" in given:
                contact.tz = sent.tz
            if sent.emails is not None or sent.phones is not None:
                self._replace_addresses(session, contact.id, sent, now)
            if sent.segments is not None:
                people.delete_segments(session, contact.id)
                self._add_segments(session, contact.id, sent.segments)
            contact.updated_at = now
            _audit(session, "contact.changed", contact.id, actor, now, fields=sorted(given))
            session.flush()
            return self._out(session, contact.id)

        return self._at.write(work)

    def _check_account_and_zone(self, session: Session, account: str | None, tz: str | None) -> None:
        if account is not None and account not in people.account_rows(session, [account]):
            raise InvalidInput(
                "unknown_account", f"There is no account {account[:40]!r}: add it first.", field="account"
            )
        check_zone(tz)

    def _replace_addresses(self, session: Session, contact_id: str, sent: ContactChange, now: datetime) -> None:
        kept = people.address_rows(session, [contact_id])
        emails = sent.emails if sent.emails is not None else [a.address for a in kept if a.kind == "email"]
        phones = sent.phones if sent.phones is not None else [a.address for a in kept if a.kind == "phone"]
        people.delete_addresses(session, contact_id)
        session.expire_all()
        self._add_addresses(session, contact_id, emails, phones, now)

    def _add_addresses(
        self, session: Session, contact_id: str, emails: Iterable[str], phones: Iterable[str], now: datetime
    ) -> None:
        rows: dict[tuple[str, str], ContactAddress] = {}
        for row in (
            *(email_row(contact_id, email, now) for email in emails),
            *(phone_row(contact_id, phone, now) for phone in phones),
        ):
            rows.setdefault((row.kind, row.match_key), row)
        for kind in ("email", "phone"):
            keys = [key for row_kind, key in rows if row_kind == kind]
            for owner in people.find_owners(session, kind, keys).values():
                raise address_taken(owner)
        savepoint = session.begin_nested()
        try:
            session.add_all(rows.values())
            session.flush()
        except IntegrityError as error:
            savepoint.rollback()
            raise Conflict("address_taken", "Somebody else is adding one of these addresses: ask again.") from error
        savepoint.commit()

    def _add_segments(self, session: Session, contact_id: str, segments: Iterable[str]) -> None:
        for segment in sorted({clean_text(one) for one in segments} - {""}):
            session.add(ContactSegment(contact_id=contact_id, segment=segment, original_contact=contact_id))
        session.flush()

    def _add_external_ids(self, session: Session, contact_id: str, ids: Iterable[tuple[str, str]]) -> None:
        for system, external_id in dict.fromkeys(ids):
            owner = people.find_by_external_id(session, system, external_id)
            if owner is not None:
                raise Conflict("external_id_taken", f"Contact {owner} has this id of {system!r}.", contact=owner)
            session.add(
                ContactExternalId(
                    system=system,
                    external_id=external_id,
                    contact_id=contact_id,
                    original_contact=contact_id,
                )
            )
        session.flush()

    def _out(self, session: Session, contact_id: str) -> ContactOut:
        row = people.contact_rows(session, [contact_id])[contact_id]
        out = self._many(session, [row])[0]
        return out.model_copy(update={"merged_from": people.merged_from(session, contact_id)})

    def _many(self, session: Session, rows: Sequence[Contact]) -> list[ContactOut]:
        ids = [row.id for row in rows]
        addresses: dict[str, list[ContactAddress]] = defaultdict(list)
        for address in people.address_rows(session, ids):
            addresses[address.contact_id].append(address)
        segments: dict[str, list[str]] = defaultdict(list)
        for segment in people.segment_rows(session, ids):
            segments[segment.contact_id].append(segment.segment)
        external: dict[str, list[dict[str, str]]] = defaultdict(list)
        for one in people.external_id_rows(session, ids):
            external[one.contact_id].append({"system": one.system, "id": one.external_id})
        accounts = people.account_rows(session, (row.account_id for row in rows if row.account_id))
        return [
            ContactOut(
                id=row.id,
                name=row.name,
                emails=[a.address for a in addresses[row.id] if a.kind == "email"],
                phones=[a.address for a in addresses[row.id] if a.kind == "phone"],
                account=row.account_id,
                account_name=accounts[row.account_id].name if row.account_id in accounts else None,
                tz=row.tz,
                segments=sorted(set(segments[row.id])),
                external_ids=external[row.id],
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
            for row in rows
        ]


def check_zone(tz: str | None) -> None:
    """Raise InvalidInput `unknown_zone` for what is no IANA name."""
    if tz is not None and not zone_exists(tz):
        raise InvalidInput("unknown_zone", f"{tz[:64]!r} is no IANA time zone such as Europe/Prague.", field="tz")


def _name(name: str | None) -> str | None:
    cleaned = clean_text(name).replace("\n", " ") if name else ""
    return cleaned or None


def _keys_of(query: str) -> list[tuple[str, str]]:
    """Return what the query means if it is an address or a phone."""
    keys: list[tuple[str, str]] = []
    for kind, read in (("email", email_key), ("phone", phone_key)):
        try:
            keys.append((kind, read(query)))
        except InvalidInput:
            continue
    return keys


def _audit(session: Session, action: str, contact_id: str, actor: Actor, now: datetime, **detail: object) -> None:
    record_event(
        session,
        at=now,
        actor=actor.id,
        action=action,
        subject_type="contact",
        subject_id=contact_id,
        detail=dict(detail),
    )
