"""Stops and consent: who must not be contacted, who said so, and the append-only log of what people agreed to."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from contact_registry.actor import Actor
from contact_registry.addresses import address_keys, domain_key, email_key, hash_key, without_tag
from contact_registry.cursors import read_cursor, write_cursor
from contact_registry.peppers import PepperFile
from contact_registry.raising import Change, Raiser
from contact_registry.reading import Rules
from contact_registry.repeats import RequestKey
from contact_registry.repository import people, stops, touchpoints
from contact_registry.schemas_people import ConsentIn, ConsentOut, LiftIn, SuppressionIn, SuppressionOut
from contact_registry.tables import Consent, Suppression, SuppressionToken
from contact_registry.workplace import Workplace
from core.audit import record_event
from core.errors import Forbidden, InvalidInput, NotFound
from core.ids import new_id
from core.text import clean_text


def address_tokens(peppers: PepperFile, suppression_id: str, match_key: str) -> list[SuppressionToken]:
    """Return what is kept of a suppressed address: keyed hashes, with the newest key, of both its forms."""
    pepper = peppers.newest
    bare = without_tag(match_key)
    rows = [(match_key, False)] if bare == match_key else [(match_key, False), (bare, True)]
    return [
        SuppressionToken(
            token=hash_key(key, pepper),
            suppression_id=suppression_id,
            is_loose=is_loose,
            key_version=pepper.version,
        )
        for key, is_loose in rows
    ]


class StopService:
    def __init__(self, workplace: Workplace, raiser: Raiser) -> None:
        self._at = workplace
        self._raiser = raiser

    def suppress(self, sent: SuppressionIn, actor: Actor, request: RequestKey | None = None) -> SuppressionOut:
        """Stop contacts at once; bookings that it hits are listed, never cancelled.

        Raises InvalidInput `invalid_email`, `invalid_period`, NotFound, Gone.
        """
        if sent.starts_at and sent.ends_at and sent.ends_at <= sent.starts_at:
            raise InvalidInput("invalid_period", "until must lie after from.", field="until")

        def work(session: Session) -> SuppressionOut:
            stored = self._at.repeats.find(session, request)
            if stored is not None and stored.body is not None:
                return SuppressionOut.model_validate(stored.body)
            row, tokens = self._new_row(session, sent, actor)
            session.add(row)
            session.flush()
            session.add_all(tokens)
            session.flush()
            known = self._at.reader.rules(session)
            found = self._raise(session, known, row, sent, row.created_at)
            _audit(session, "suppression.added", row, actor, row.created_at)
            answer = suppression_out(row, actor, found)
            self._at.repeats.keep(
                session,
                request,
                status=201,
                body=answer.model_dump(mode="json"),
                at=row.created_at,
                subject_id=row.id,
                contact_id=row.subject_id if row.subject_kind == "contact" else None,
            )
            return answer

        return self._at.write(work)

    def _new_row(
        self, session: Session, sent: SuppressionIn, actor: Actor
    ) -> tuple[Suppression, list[SuppressionToken]]:
        """Lock what a claim of these people would lock, and return the rows to add."""
        kind, subject_id = "address", None
        subject = sent.subject
        if subject.contact is not None:
            person = self._at.lock_person(session, subject.contact, None)
            kind, subject_id = "contact", person.view.id
        elif subject.account is not None:
            self._at.locks.accounts(session, [subject.account])
            if subject.account not in people.account_rows(session, [subject.account]):
                raise NotFound("account_not_found", f"There is no account {subject.account[:40]!r}.")
            kind, subject_id = "account", subject.account
        else:
            # whoever has such an address may not be on file yet, so there is no row to lock: keep all claims out
            self._at.locks.rules_exclusive(session)
            if subject.domain is not None:
                kind, subject_id = "domain", domain_key(subject.domain.removeprefix("@"))
        row = Suppression(
            id=new_id("sup"),
            subject_kind=kind,
            subject_id=subject_id,
            source=sent.source,
            channels=sent.channels,
            purposes=sent.purposes,
            starts_at=sent.starts_at,
            ends_at=sent.ends_at,
            created_by=actor.id,
            created_at=self._at.locks.now(session, self._at.clock),
        )
        if subject.email is not None:
            return row, address_tokens(self._at.peppers, row.id, email_key(subject.email))
        return row, [SuppressionToken(token=f"{kind}:{subject_id}", suppression_id=row.id)]

    def _raise(self, session: Session, known: Rules, row: Suppression, sent: SuppressionIn, now: datetime) -> list[str]:
        """Note the bookings that this stop refuses."""
        found: dict[str, tuple[str, ...]] = {}
        for view, history in self._raiser.histories_of(session, known, self._reached(session, row, sent, now), now):
            for booking, refs in self._raiser.refused_bookings(known, view, history, now).items():
                if row.id in refs:
                    found[booking] = (row.id,)
        self._raiser.note(session, dict(found), Change("opt_out", row.id, now))
        return list(found)

    def _reached(self, session: Session, row: Suppression, sent: SuppressionIn, now: datetime) -> Iterable[str]:
        """Return people with bookings whom this stop may cover."""
        if row.subject_kind == "contact" and row.subject_id is not None:
            return [row.subject_id]
        if sent.subject.email is not None:
            return people.find_by_untagged_key(session, without_tag(email_key(sent.subject.email)))
        return touchpoints.booked_contacts(session, now, row.subject_id if row.subject_kind == "account" else None)

    def lift(self, suppression_id: str, sent: LiftIn, actor: Actor) -> SuppressionOut:
        """End a stop because the person came back themselves; the entry stays on record.

        Raises NotFound, Forbidden `erasure_not_liftable` (an erased person comes back as a new one).
        """

        def work(session: Session) -> SuppressionOut:
            row = session.get(Suppression, suppression_id, populate_existing=True)
            if row is None:
                raise NotFound("suppression_not_found", f"There is no suppression {suppression_id[:40]!r}.")
            now = self._at.locks.now(session, self._at.clock)
            if row.lifted_at is None:
                if not actor.sees_privacy:
                    raise Forbidden("privacy_role_required", "Only the privacy role may lift a stop.")
                row.lifted_at, row.lifted_by = now, actor.id
                row.lift_evidence = clean_text(sent.evidence)
                _audit(session, "suppression.lifted", row, actor, now)
                session.flush()
            return suppression_out(row, actor)

        return self._at.write(work)

    def list_all(
        self,
        actor: Actor,
        *,
        include_lifted: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> tuple[list[SuppressionOut], str | None]:
        """Return stops, newest first, and the next cursor."""
        after = read_cursor(cursor, 2)
        key = None if after is None else (datetime.fromisoformat(after[0]), after[1])
        with self._at.database.read() as session:
            rows = stops.suppression_rows(session, include_lifted=include_lifted, after=key, limit=limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        next_cursor = write_cursor(last.created_at.isoformat(), last.id) if last else None
        return [suppression_out(row, actor) for row in rows[:limit]], next_cursor

    def add_consent(self, sent: ConsentIn, actor: Actor, request: RequestKey | None = None) -> ConsentOut:
        """Append one statement; the latest in force decides, a withdrawal before a grant of the same instant."""
        if sent.effective_until is not None and sent.effective_until <= sent.effective_from:
            raise InvalidInput(
                "invalid_period", "effective_until must lie after effective_from.", field="effective_until"
            )

        def work(session: Session) -> ConsentOut:
            stored = self._at.repeats.find(session, request)
            if stored is not None and stored.body is not None:
                return ConsentOut.model_validate(stored.body)
            self._at.locks.rules_shared(session)
            known = self._at.reader.rules(session)
            subject = self._at.lock_person(session, sent.contact, None)
            assert subject.view.id is not None, "a contact of this id is on file"
            now = self._at.locks.now(session, self._at.clock)
            before = self._refused(session, known, subject.view.id, now)
            row = Consent(
                id=new_id("cst"),
                contact_id=subject.view.id,
                original_contact=subject.view.id,
                purpose=sent.purpose,
                channel=sent.channel,
                state=sent.state,
                effective_from=sent.effective_from,
                effective_until=sent.effective_until,
                source=sent.source,
                evidence=clean_text(sent.evidence) if sent.evidence else None,
                captured_by=actor.id,
                created_at=now,
            )
            session.add(row)
            session.flush()
            after = self._refused(session, known, subject.view.id, now)
            found = {b: refs for b, refs in after.items() if not set(refs) <= set(before.get(b, ()))}
            self._raiser.note(session, dict(found), Change("consent", row.id, now))
            record_event(
                session,
                at=now,
                actor=actor.id,
                action=f"consent.{row.state}",
                subject_type="contact",
                subject_id=row.contact_id,
                detail={"consent": row.id, "purpose": row.purpose},
            )
            answer = consent_out(row, list(found))
            self._at.repeats.keep(
                session,
                request,
                status=201,
                body=answer.model_dump(mode="json"),
                at=now,
                subject_id=row.id,
                contact_id=row.contact_id,
            )
            return answer

        return self._at.write(work)

    def _refused(self, session: Session, known: Rules, contact: str, now: datetime) -> dict[str, tuple[str, ...]]:
        view, history = self._raiser.histories_of(session, known, [contact], now)[0]
        return self._raiser.refused_bookings(known, view, history, now)

    def consents(self, contact_id: str) -> list[ConsentOut]:
        """Return the person's log of consent, newest first."""
        with self._at.database.read() as session:
            person = self._at.reader.person(session, contact_id)
            return [consent_out(row, []) for row in stops.consent_rows(session, person.id)]

    def is_stopped(self, email: str) -> bool:
        """Return whether an address, on file or not, is named by a stop that was not lifted."""
        keys = address_keys(email_key(email), self._at.peppers.all)
        with self._at.database.read() as session:
            return bool(stops.find_suppressions(session, keys.loose))


def suppression_out(row: Suppression, actor: Actor, new_conflicts: Iterable[str] = ()) -> SuppressionOut:
    """Return the stop; why it is there is told to the privacy role alone."""
    subject = {"kind": row.subject_kind}
    if row.subject_id is not None:
        subject["id"] = row.subject_id
    return SuppressionOut(
        id=row.id,
        subject=subject,
        source=row.source if actor.sees_privacy else None,
        channels=row.channels,
        purposes=row.purposes,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        created_by=row.created_by,
        created_at=row.created_at,
        lifted_at=row.lifted_at,
        new_conflicts=list(new_conflicts),
    )


def consent_out(row: Consent, new_conflicts: list[str]) -> ConsentOut:
    return ConsentOut(
        id=row.id,
        contact=row.contact_id,
        purpose=row.purpose,
        channel=row.channel,
        state=row.state,
        effective_from=row.effective_from,
        effective_until=row.effective_until,
        source=row.source,
        captured_by=row.captured_by,
        created_at=row.created_at,
        new_conflicts=new_conflicts,
    )


def _audit(session: Session, action: str, row: Suppression, actor: Actor, now: datetime) -> None:
    record_event(
        session,
        at=now,
        actor=actor.id,
        action=action,
        subject_type="suppression",
        subject_id=row.id,
        detail={"subject_kind": row.subject_kind},
    )
