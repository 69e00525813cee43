"""Erasing a person: what remains is a tombstone, keyed hashes that keep them uncontactable, and bare counts.

Kept of their touchpoints: account, team, channel, purpose, time, status, so that company limits stay honest.
"""

from datetime import datetime

from sqlmodel import Session

from contact_registry.actor import Actor
from contact_registry.addresses import without_tag
from contact_registry.long_lists import forget_lists_with
from contact_registry.reading import not_found
from contact_registry.repository import conflicts, imports, merging, people, requests, touchpoints
from contact_registry.schemas_people import EraseIn, EraseOut
from contact_registry.stops_service import address_tokens
from contact_registry.tables import Contact, Suppression
from contact_registry.values import SuppressionSource, TouchpointStatus
from contact_registry.workplace import Workplace
from core.audit import record_event
from core.ids import new_id


class ErasureService:
    def __init__(self, workplace: Workplace) -> None:
        self._at = workplace

    def erase(self, contact_id: str, sent: EraseIn, actor: Actor) -> EraseOut:
        """Forget the person and whoever was merged into them; a second time changes nothing. Raises NotFound."""

        def work(session: Session) -> EraseOut:
            done = self._already(session, contact_id)
            if done is not None:
                return done
            # an erased address must not slip into a claim that is adding it as new: keep all claims out
            self._at.locks.rules_exclusive(session)
            subject = self._at.lock_person(session, contact_id, None)
            assert subject.view.id is not None, "a contact of this id is on file"
            now = self._at.locks.now(session, self._at.clock)
            contact = people.contact_rows(session, [subject.view.id])[subject.view.id]
            answer = self._forget(session, contact, sent, actor, now)
            record_event(
                session,
                at=now,
                actor=actor.id,
                action="contact.erased",
                subject_type="contact",
                subject_id=contact.id,
                detail={"touchpoints": sent.touchpoints, "addresses": answer.suppressed_addresses},
            )
            return answer

        return self._at.write(work)

    def _already(self, session: Session, contact_id: str) -> EraseOut | None:
        row = people.contact_rows(session, [contact_id]).get(contact_id)
        if row is None:
            raise not_found(contact_id)
        if row.erased_at is None:
            return None
        return EraseOut(
            contact=contact_id,
            erased_at=row.erased_at,
            suppressed_addresses=0,
            cancelled=0,
            anonymised=0,
            deleted=0,
            noop=True,
        )

    def _forget(self, session: Session, contact: Contact, sent: EraseIn, actor: Actor, now: datetime) -> EraseOut:
        addresses = people.address_rows(session, [contact.id])
        for address in addresses:
            self._suppress(session, address.match_key, actor, now)
        keys = [address.match_key for address in addresses if address.kind == "email"]
        forget_lists_with(session, keys)
        imports.forget_lines_of(session, contact.id, {without_tag(key) for key in keys})
        cancelled = self._cancel_bookings(session, contact.id, now)
        deleted = anonymised = 0
        if sent.touchpoints == "delete":
            ids = [row.id for row in touchpoints.rows_of_contact(session, contact.id)]
            merging.delete_touchpoints(session, ids)
            deleted = len(ids)
        else:
            anonymised = merging.forget_touchpoints(session, contact.id, now, drop_account=sent.drop_account)
        self._forget_rows(session, contact, now)
        session.flush()
        session.expire_all()
        return EraseOut(
            contact=contact.id,
            erased_at=now,
            suppressed_addresses=len(addresses),
            cancelled=cancelled,
            anonymised=anonymised - cancelled if anonymised else 0,
            deleted=deleted,
        )

    def _suppress(self, session: Session, match_key: str, actor: Actor, now: datetime) -> None:
        row = Suppression(
            id=new_id("sup"),
            subject_kind="address",
            source=SuppressionSource.ERASURE.value,
            created_by=actor.id,
            created_at=now,
        )
        session.add(row)
        session.flush()
        session.add_all(address_tokens(self._at.peppers, row.id, match_key))
        session.flush()

    def _cancel_bookings(self, session: Session, contact_id: str, now: datetime) -> int:
        """Call off whatever is planned or held, past its time or not."""
        cancelled = 0
        for row in touchpoints.rows_of_contact(session, contact_id):
            if row.status in touchpoints.OPEN_STATUSES:
                row.status = TouchpointStatus.CANCELLED.value
                row.expires_at = None
                row.revision += 1
                conflicts.resolve_conflicts(session, row.id, now)
                cancelled += 1
        session.flush()
        return cancelled

    def _forget_rows(self, session: Session, contact: Contact, now: datetime) -> None:
        tombstones = [contact, *merging.redirects_to(session, contact.id)]
        for row in tombstones:
            people.delete_addresses(session, row.id)
            people.delete_segments(session, row.id)
            people.delete_external_ids(session, row.id)
            merging.forget_consent_texts(session, row.id)
            merging.forget_stop_texts(session, row.id)
            merging.forget_import_rows(session, row.id)
            requests.forget_bodies_of(session, row.id)
            row.name = row.tz = row.account_id = None
            row.merge_filled = []
            row.erased_at = row.updated_at = now
