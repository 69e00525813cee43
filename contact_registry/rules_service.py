"""Sets of rules: read, drafted, tried on the log without writing anything, and put in force as a new version."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from contact_registry.actor import Actor
from contact_registry.default_policies import DEFAULT_POLICIES
from contact_registry.policy_overlaps import overlap_notes
from contact_registry.policy_sentences import policy_sentence
from contact_registry.raising import Change, Raiser
from contact_registry.reading import Rules
from contact_registry.repository import people, rules, touchpoints
from contact_registry.schemas_rules import (
    ActivateIn,
    DraftIn,
    DraftOut,
    PolicySetOut,
    PurposeIn,
    PurposeOut,
    SimulateIn,
    SimulateOut,
    SimulationQuestion,
)
from contact_registry.simulation import Difference, Simulation
from contact_registry.tables_of_record import PolicyDraft, PolicySet, Purpose
from contact_registry.terms import Direction
from contact_registry.validation import parse_policies, write_policy
from contact_registry.values import ContactView, Question
from contact_registry.workplace import Workplace, check_team, require_future
from core.audit import record_event
from core.errors import Conflict, NotFound
from core.text import clean_text

_CHUNK = 1000


class RulesService:
    def __init__(self, workplace: Workplace, raiser: Raiser) -> None:
        self._at = workplace
        self._raiser = raiser

    def active(self) -> PolicySetOut:
        """Return the rules in force; version 0 are the ones a new workspace starts with."""
        with self._at.database.read() as session:
            return self._set_out(session, rules.active_set(session))

    def version(self, version: int) -> PolicySetOut:
        """Return the rules of a version. Raises NotFound `policy_set_not_found`."""
        with self._at.database.read() as session:
            row = rules.policy_set(session, version)
            if row is None and version != 0:
                raise NotFound("policy_set_not_found", f"There is no version {version} of the rules.")
            return self._set_out(session, row)

    def history(self) -> list[PolicySetOut]:
        """Return the versions of the rules, newest first."""
        with self._at.database.read() as session:
            return [self._set_out(session, row) for row in rules.policy_sets(session)]

    def draft(self) -> DraftOut:
        """Return the draft; where there is none, the rules in force as revision 0 of one."""
        with self._at.database.read() as session:
            return self._draft_out(session)

    def put_draft(self, sent: DraftIn, actor: Actor) -> DraftOut:
        """Replace the draft. Raises InvalidInput for a rule that cannot be, Conflict `draft_changed`."""
        documents = [write_policy(policy) for policy in parse_policies(sent.policies)]

        def work(session: Session) -> DraftOut:
            row = rules.draft(session)
            present = 0 if row is None else row.revision
            if sent.revision is not None and sent.revision != present:
                raise Conflict("draft_changed", f"The draft is at revision {present}: read it again.", revision=present)
            now = self._at.locks.now(session, self._at.clock)
            if row is None:
                row = PolicyDraft(
                    base_version=rules.active_version(session),
                    revision=0,
                    policies=[],
                    changed_by=actor.id,
                    changed_at=now,
                )
            row.policies, row.revision = documents, present + 1
            row.changed_by, row.changed_at = actor.id, now
            session.add(row)
            session.flush()
            record_event(
                session,
                at=now,
                actor=actor.id,
                action="policy_draft.changed",
                subject_type="policy_set",
                subject_id="draft",
                detail={"revision": row.revision},
            )
            session.flush()
            return self._draft_out(session)

        return self._at.write(work)

    def simulate(self, asked: SimulateIn) -> SimulateOut:
        """Compare proposed rules with those in force for a question put to everybody; nothing is written."""
        with self._at.database.read() as session:
            now = self._at.locks.now(session, self._at.clock)
            self.check_simulation(session, asked, now)
            simulation, last = self._simulation(session, asked, now), ""
            while True:
                ids = self._some_people(session, asked, last)
                if not ids:
                    break
                simulation.judge(session, ids)
                last = ids[-1]
        return simulate_out(simulation.difference())

    def simulate_some(
        self, session: Session, asked: SimulateIn, after: str, now: datetime
    ) -> tuple[Difference, int, str]:
        """Compare for the next people behind the id `after`: (difference, how many these were, the last one's id)."""
        ids = self._some_people(session, asked, after)
        simulation = self._simulation(session, asked, now)
        simulation.judge(session, ids)
        return simulation.difference(), len(ids), ids[-1] if ids else after

    def count_asked(self, asked: SimulateIn) -> int:
        """Return for how many people a simulation is asked."""
        if asked.contacts is not None:
            return len(set(asked.contacts))
        with self._at.database.read() as session:
            return people.count_live(session)

    def with_draft(self, asked: SimulateIn) -> SimulateIn:
        """Return the question with the rules it means, which may be the draft of now. Raises InvalidInput."""
        with self._at.database.read() as session:
            self.check_simulation(session, asked, self._at.locks.now(session, self._at.clock))
            documents = self._documents(session, asked)
        parse_policies(documents)
        return asked.model_copy(update={"policies": documents})

    def check_simulation(self, session: Session, asked: SimulateIn, now: datetime) -> None:
        """Raise InvalidInput `unknown_team`, `at_in_past`."""
        check_team(session, self._at.reader.rules(session), asked.question.team)
        require_future(asked.question.at, now)

    def _simulation(self, session: Session, asked: SimulateIn, now: datetime) -> "_Population":
        current = self._at.reader.rules(session)
        version = current.book.version + 1
        policies = parse_policies(self._documents(session, asked), version)
        proposed = self._at.reader.with_policies(session, policies, version)
        return _Population(self._at, current, proposed, asked.question, now)

    def _documents(self, session: Session, asked: SimulateIn) -> list[dict[str, Any]]:
        return asked.policies if asked.policies is not None else self._draft_out(session).policies

    def _some_people(self, session: Session, asked: SimulateIn, after: str) -> list[str]:
        if asked.contacts is None:
            return people.live_ids(session, after=after, limit=_CHUNK)
        return sorted({contact for contact in asked.contacts if contact > after})[:_CHUNK]

    def activate(self, sent: ActivateIn, actor: Actor) -> PolicySetOut:
        """Put the draft in force as the next version; bookings it refuses are listed as conflicts.

        Raises Conflict `no_draft`, `policy_version_changed` when other rules came in force since it was made.
        """

        def work(session: Session) -> PolicySetOut:
            self._at.locks.rules_exclusive(session)
            draft = rules.draft(session)
            if draft is None:
                raise Conflict("no_draft", "There is no draft to put in force: send one first.")
            before = self._at.reader.rules(session)
            expected = draft.base_version if sent.base_version is None else sent.base_version
            if expected != before.book.version or draft.base_version != before.book.version:
                raise Conflict(
                    "policy_version_changed",
                    f"Version {before.book.version} is in force, the draft was made from {draft.base_version}: "
                    "send the draft again and look at what it changes.",
                    version=before.book.version,
                )
            now = self._at.locks.now(session, self._at.clock)
            row = PolicySet(
                version=before.book.version + 1,
                policies=draft.policies,
                activated_by=actor.id,
                activated_at=now,
            )
            session.add(row)
            session.delete(draft)
            session.flush()
            self._raise(session, before, Change("policy_change", str(row.version), now))
            record_event(
                session,
                at=now,
                actor=actor.id,
                action="policy_set.activated",
                subject_type="policy_set",
                subject_id=str(row.version),
                detail={"policies": len(row.policies)},
            )
            session.flush()
            return self._set_out(session, row)

        return self._at.write(work)

    def _raise(self, session: Session, before: Rules, change: Change) -> None:
        """Note the bookings that the new rules refuse and the old ones did not."""
        after = self._at.reader.rules(session)
        booked = sorted(touchpoints.booked_contacts(session, change.at))
        for start in range(0, len(booked), _CHUNK):
            some = booked[start : start + _CHUNK]
            for view, history in self._raiser.histories_of(session, _both(before, after), some, change.at):
                old = self._raiser.refused_bookings(before, view, history, change.at)
                new = self._raiser.refused_bookings(after, view, history, change.at)
                self._raiser.note(session, {key: refs for key, refs in new.items() if key not in old}, change)

    def put_purpose(self, purpose_id: str, sent: PurposeIn, actor: Actor) -> PurposeOut:
        """Say whether a purpose is outreach or service; services are outside every rule that does not name them."""

        def work(session: Session) -> PurposeOut:
            self._at.locks.rules_exclusive(session)
            row = session.get(Purpose, purpose_id) or Purpose(id=purpose_id, purpose_class="outreach")
            row.purpose_class = sent.purpose_class
            row.name = clean_text(sent.name) if sent.name else None
            session.add(row)
            record_event(
                session,
                at=self._at.locks.now(session, self._at.clock),
                actor=actor.id,
                action="purpose.changed",
                subject_type="purpose",
                subject_id=purpose_id,
                detail={"class": sent.purpose_class},
            )
            session.flush()
            return PurposeOut(id=row.id, purpose_class=row.purpose_class, name=row.name)

        return self._at.write(work)

    def purposes(self) -> list[PurposeOut]:
        """Return the purposes on record; any other is outreach."""
        with self._at.database.read() as session:
            return [
                PurposeOut(id=row.id, purpose_class=row.purpose_class, name=row.name) for row in rules.purposes(session)
            ]

    def _set_out(self, session: Session, row: PolicySet | None) -> PolicySetOut:
        documents = [dict(one) for one in DEFAULT_POLICIES] if row is None else row.policies
        return PolicySetOut(
            version=0 if row is None else row.version,
            policies=documents,
            sentences=self._sentences(documents, rules.surroundings(session).teams),
            overlaps=overlap_notes(parse_policies(documents)),
            activated_at=None if row is None else row.activated_at,
            activated_by=None if row is None else row.activated_by,
        )

    def _draft_out(self, session: Session) -> DraftOut:
        row = rules.draft(session)
        teams = rules.surroundings(session).teams
        if row is None:
            active = self._set_out(session, rules.active_set(session))
            return DraftOut(
                **active.model_dump(exclude={"activated_at", "activated_by"}),
                revision=0,
                base_version=active.version,
                changed_by=active.activated_by or "system",
                changed_at=active.activated_at or self._at.clock.now(),
            )
        return DraftOut(
            version=row.base_version + 1,
            policies=row.policies,
            sentences=self._sentences(row.policies, teams),
            overlaps=overlap_notes(parse_policies(row.policies)),
            revision=row.revision,
            base_version=row.base_version,
            changed_by=row.changed_by,
            changed_at=row.changed_at,
        )

    def _sentences(self, documents: list[dict[str, Any]], teams: Mapping[str, str]) -> dict[str, str]:
        policies = parse_policies(documents)
        zone = self._at.settings.timezone
        return {policy.id: policy_sentence(policy, teams, zone) for policy in policies}


class _Population:
    """People put through one `Simulation`, some at a time, so that they never stand in memory together."""

    def __init__(
        self, workplace: Workplace, current: Rules, proposed: Rules, asked: SimulationQuestion, now: datetime
    ) -> None:
        self._at = workplace
        self._known = _both(current, proposed)
        self._since = min(now, asked.at)
        self._question = Question(
            contact=ContactView(id=None),
            at=asked.at,
            team=asked.team,
            channel=asked.channel,
            purpose=asked.purpose,
            engagement=asked.engagement,
            direction=Direction(asked.direction),
        )
        self._simulation = Simulation(current.book, proposed.book, self._question, now)
        self.difference = self._simulation.difference

    def judge(self, session: Session, ids: Sequence[str]) -> None:
        """Judge these people, as far as they are on file."""
        persons = people.find_people(session, ids)
        views = [
            self._at.reader.view(persons[key])
            for key in ids
            if key in persons and persons[key].merged_into is None and persons[key].erased_at is None
        ]
        asked = self._question
        questions = [
            Question(contact=view, at=self._since, team=asked.team, channel=asked.channel, purpose=asked.purpose)
            for view in views
        ]
        histories = self._at.reader.histories(session, questions, self._since, self._known, with_bookings=True)
        for view, history in zip(views, histories, strict=True):
            self._simulation.add(view, history)


def simulate_out(found: Difference) -> SimulateOut:
    """Return the difference as programs read it."""
    return SimulateOut(
        newly_ineligible=list(found.newly_ineligible),
        newly_eligible=list(found.newly_eligible),
        new_planned_conflicts=list(found.new_planned_conflicts),
        population=found.population,
        counts_by_team=dict(found.conflicts_by_team),
        counts_by_segment=dict(found.by_segment),
    )


def _both(one: Rules, other: Rules) -> Rules:
    """Return rules whose history is enough for both: the longest reach, all statuses."""
    reach = dict(one.reach)
    for level, length in other.reach.items():
        reach[level] = max(length, reach.get(level, length))
    return Rules(
        book=other.book,
        teams=other.teams,
        reach=reach,
        statuses=one.statuses | other.statuses,
        account_limit=min(one.account_limit, other.account_limit),
        needs_consent=one.needs_consent or other.needs_consent,
    )
