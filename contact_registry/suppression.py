"""Which stop signs cover a proposal, and from when to when. No policy, override or `supersedes` lifts one."""

from __future__ import annotations

from datetime import datetime

from contact_registry.values import HARD_SOURCES, AddressKeys, Question, SuppressionFact, SuppressionSource

_EMAIL = "email"


def covers(stop: SuppressionFact, question: Question, service_purposes: frozenset[str]) -> bool:
    """Whether the stop sign is about this proposal, its dates aside.

    `legal` and `erasure` stop service messages too, other sources only outreach (or the purposes they name).
    """
    if stop.channels is not None and question.channel not in stop.channels:
        return False
    if stop.purposes is not None:
        if question.purpose not in stop.purposes:
            return False
    elif question.purpose in service_purposes and stop.source not in HARD_SOURCES:
        return False
    return _is_about(stop, question)


def in_force(stop: SuppressionFact, at: datetime) -> bool:
    """Whether the instant lies in [starts_at, ends_at)."""
    return (stop.starts_at is None or stop.starts_at <= at) and (stop.ends_at is None or at < stop.ends_at)


def _is_about(stop: SuppressionFact, question: Question) -> bool:
    contact = question.contact
    if stop.source is SuppressionSource.HARD_BOUNCE and question.channel != _EMAIL:
        return False
    if stop.contact is not None:
        return stop.contact == contact.id
    if stop.account is not None:
        return stop.account == contact.account
    used = (question.address,) if question.address is not None else ()
    if stop.domain is not None:
        return any(keys.domain == stop.domain for keys in (*contact.addresses, *used))
    if stop.address is None:
        return False
    if stop.source is SuppressionSource.HARD_BOUNCE:
        return _no_way_around(stop.address, question)
    return any(not keys.loose.isdisjoint(stop.address.loose) for keys in (*contact.addresses, *used))


def _no_way_around(bounced: AddressKeys, question: Question) -> bool:
    """A bounce covers one mailbox: the address to be used, or the only one there is.

    Where the question names no address and the person has another e-mail address, that one can be used.
    """
    if question.address is not None:
        return not question.address.exact.isdisjoint(bounced.exact)
    mailboxes = [keys for keys in question.contact.addresses if keys.domain is not None]
    return bool(mailboxes) and all(not keys.exact.isdisjoint(bounced.exact) for keys in mailboxes)
