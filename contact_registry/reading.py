"""From rows to what rules judge: the rule book in force, the person asked about, and their history.

One `Reader` lives as long as its service; it remembers the parsed rules of a version, nothing of people.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from contact_registry.addresses import address_keys, email_key
from contact_registry.default_policies import DEFAULT_POLICIES
from contact_registry.peppers import PepperFile
from contact_registry.quick_values import quick_value
from contact_registry.repository import people, rules, stops, touchpoints
from contact_registry.repository.people import Person
from contact_registry.repository.rules import Surroundings
from contact_registry.timeline import Timeline, TouchpointFact, TouchpointStatus
from contact_registry.validation import parse_policies
from contact_registry.values import (
    LIVE_STATUSES,
    AddressKeys,
    ContactView,
    History,
    Level,
    Policy,
    PolicyKind,
    Question,
    RuleBook,
    SuppressionFact,
)
from core.directory import require_team
from core.errors import Gone, NotFound

_EMPTY = Timeline()
_MAX_REDIRECTS = 20  # merging keeps chains at one step; more is a damaged database


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force, and what follows from them for reading.

    `reach` is how far back the rules of a level look; a level without an entry counts nothing. `statuses` are
    those that some rule counts. A company's log of fewer than `account_limit` touchpoints fails no rule of its level.
    """

    book: RuleBook
    teams: Mapping[str, str]
    reach: Mapping[Level, timedelta]
    statuses: frozenset[str]
    account_limit: int
    needs_consent: bool


@quick_value
class Subject:
    """Whom a question is about; `email` is the match key that was asked with, if it was an address, and
    `email_keys` how that is compared with stops.
    """

    view: ContactView
    email: str | None = None
    email_keys: AddressKeys | None = None

    @property
    def is_known(self) -> bool:
        return self.view.id is not None


def reach_of(policies: Iterable[Policy]) -> dict[Level, timedelta]:
    """Return per level the longest gap or window, on any calendar."""
    reach: dict[Level, timedelta] = {}
    for policy in policies:
        length = policy.gap or policy.window
        if length is not None:
            reach[policy.level] = max(reach.get(policy.level, timedelta(0)), length.longest)
    return reach


def _account_limit_of(policies: Iterable[Policy]) -> int:
    limits = (policy.max_count if policy.gap is None else 1 for policy in policies if policy.level is Level.ACCOUNT)
    return min((limit for limit in limits if limit is not None), default=0)


def _statuses_of(policies: Iterable[Policy]) -> frozenset[str]:
    counted = set(LIVE_STATUSES)
    for policy in policies:
        counted |= policy.counts.statuses or set()
    if TouchpointStatus.EXPIRED in counted:  # stored as reserved
        counted.add(TouchpointStatus.RESERVED)
    return frozenset(status.value for status in counted)


class Reader:
    def __init__(self, peppers: PepperFile, workspace_tz: Callable[[], str]) -> None:
        self._peppers = peppers
        self._workspace_tz = workspace_tz
        self._parsed: tuple[int, tuple[Policy, ...]] = (-1, ())

    def rules(self, session: Session) -> Rules:
        """Return the rules as this transaction sees them."""
        around = rules.surroundings(session)
        parsed_version, policies = self._parsed
        if parsed_version != around.version:
            policies = self._parse(session, around.version)
        return self._rules(policies, around.version, around)

    def with_policies(self, session: Session, policies: Sequence[Policy], version: int) -> Rules:
        """Return these policies as a rule book of the workspace."""
        return self._rules(policies, version, rules.surroundings(session))

    def _rules(self, policies: Sequence[Policy], version: int, around: Surroundings) -> Rules:
        book = RuleBook(
            policies=tuple(policies),
            version=version,
            tz=self._workspace_tz(),
            service_purposes=around.service_purposes,
        )
        return Rules(
            book=book,
            teams=around.teams,
            reach=reach_of(policies),
            statuses=_statuses_of(policies),
            account_limit=_account_limit_of(policies),
            needs_consent=any(policy.kind is PolicyKind.CONSENT_REQUIRED for policy in policies),
        )

    def _parse(self, session: Session, version: int) -> tuple[Policy, ...]:
        row = rules.policy_set(session, version)
        policies = parse_policies(DEFAULT_POLICIES if row is None else row.policies, version=version)
        self._parsed = (version, policies)
        return policies

    def subject(self, session: Session, contact: str | None, email: str | None) -> Subject:
        """Return the person of this id or address as they are now; merged ids lead to the survivor.

        Raises NotFound `contact_not_found`, Gone `contact_erased`, InvalidInput `invalid_email`.
        """
        key = None
        if email is not None:
            key = email_key(email)
            contact = people.find_owners(session, "email", [key]).get(key)
            if contact is None:
                return self.stranger(key)
        assert contact is not None, "a question names a contact or an address"
        return self.known(self.person(session, contact), key)

    def known(self, person: Person, key: str | None) -> Subject:
        """Return somebody on file, asked about by id or by this match key."""
        view = self.view(person)
        for (_, stored, _), keys in zip(person.addresses, view.addresses, strict=True):
            if stored == key:
                return Subject(view, key, keys)
        return Subject(view, key, None if key is None else address_keys(key, self._peppers.all))

    def stranger(self, key: str) -> Subject:
        """Return the subject of an address that nobody has on file."""
        keys = address_keys(key, self._peppers.all)
        return Subject(ContactView(id=None, addresses=(keys,)), key, keys)

    def person(self, session: Session, contact: str) -> Person:
        """Return the contact of this id, following merges. Raises NotFound and Gone."""
        asked = contact
        for _ in range(_MAX_REDIRECTS):
            person = people.find_people(session, [contact]).get(contact)
            if person is None:
                break
            if person.erased_at is not None:
                raise erased(asked)
            if person.merged_into is None:
                return person
            contact = person.merged_into
        raise not_found(asked)

    def view(self, person: Person) -> ContactView:
        """Return the person as rules see them."""
        peppers = self._peppers.all
        return ContactView(
            id=person.id,
            account=person.account,
            tz=person.tz,
            account_tz=person.account_tz,
            segments=person.segments,
            addresses=tuple(address_keys(key, peppers) for _, key, _ in person.addresses),
            account_name=person.account_name,
        )

    def stops_of(self, session: Session, view: ContactView) -> tuple[SuppressionFact, ...]:
        """Return the suppressions that name this person, their company, domain or addresses."""
        tokens = _tokens(view, view.addresses)
        return _stops_of(tokens, stops.find_suppressions(session, tokens))

    def histories(
        self,
        session: Session,
        questions: Sequence[Question],
        since: datetime,
        known: Rules,
        *,
        with_bookings: bool = False,
        to_come: Mapping[str, int] | None = None,
    ) -> list[History]:
        """Return the history of each question's person, in order, enough for any instant from `since` on.

        What no rule counts is left out, except that `with_bookings` the person's own log is always there.
        `to_come`, which lists give, says how many bookings each company may get while the list is judged: the log of
        a company is left empty where, with all of them, it stays too short to fail a rule. That is most of them.
        """
        views = [question.contact for question in questions]
        ids = {view.id for view in views if view.id is not None}
        own: Mapping[str, list[TouchpointFact]] = {}
        shared: Mapping[str, list[TouchpointFact]] = {}
        if with_bookings or Level.CONTACT in known.reach:
            start = since - known.reach.get(Level.CONTACT, timedelta(0))
            own = touchpoints.facts_by_contact(session, ids, start, known.statuses)
        if Level.ACCOUNT in known.reach:
            accounts = {view.account for view in views if view.account is not None}
            start = since - known.reach[Level.ACCOUNT]
            if to_come is not None:
                counts = touchpoints.count_by_account(session, accounts, start)
                accounts = {key for key, count in counts.items() if count + to_come[key] > known.account_limit}
            shared = touchpoints.facts_by_account(session, accounts, start, known.statuses)
        consents = stops.find_consents(session, ids) if known.needs_consent else {}
        tokens = [tokens_of(question) for question in questions]
        found = stops.find_suppressions(session, set().union(*tokens))
        timelines = {account: Timeline(facts) for account, facts in shared.items()}
        return [
            History(
                contact=Timeline(own[view.id]) if view.id is not None and view.id in own else _EMPTY,
                account=timelines.get(view.account or "", _EMPTY),
                suppressions=_stops_of(mine, found),
                consents=tuple(consents.get(view.id or "", ())),
            )
            for view, mine in zip(views, tokens, strict=True)
        ]


def tokens_of(question: Question) -> set[str]:
    """Return every token under which a stop of this question's person could stand."""
    view = question.contact
    return _tokens(view, view.addresses if question.address is None else (*view.addresses, question.address))


def _tokens(view: ContactView, addresses: Iterable[AddressKeys]) -> set[str]:
    addresses = tuple(addresses)
    tokens = {token for keys in addresses for token in keys.loose}
    tokens.update(stops.domain_token(keys.domain) for keys in addresses if keys.domain is not None)
    if view.id is not None:
        tokens.add(stops.contact_token(view.id))
    if view.account is not None:
        tokens.add(stops.account_token(view.account))
    return tokens


def _stops_of(tokens: set[str], found: Mapping[str, list[SuppressionFact]]) -> tuple[SuppressionFact, ...]:
    if not found:
        return ()
    mine = {stop.id: stop for token in tokens for stop in found.get(token, ())}
    return tuple(mine[key] for key in sorted(mine))


def team_of(session: Session, known_rules: Rules, team: str) -> str:
    """Return the team's name. Raises InvalidInput `unknown_team`."""
    return known_rules.teams.get(team) or require_team(session, team).name


def not_found(contact: str) -> NotFound:
    return NotFound("contact_not_found", f"There is no contact {contact[:40]!r}.", contact=contact[:100])


def erased(contact: str) -> Gone:
    return Gone("contact_erased", "This person asked to be erased; only that fact is kept.", contact=contact)
