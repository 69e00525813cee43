from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from contact_registry.actor import Actor
from contact_registry.answers import NotEligible
from contact_registry.schemas_people import ConsentIn, EraseIn, LiftIn, SuppressionIn, SuppressionOut
from contact_registry.tables import SuppressionToken
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests.contact_registry.registry_world import ACCOUNT1, CRM, GAP30, RegistryWorld, new_registry, refs

COLLEAGUE = Actor(id="usr_2", source="page", may_override=False, sees_privacy=False)
CONSENT = {"id": "mkt", "kind": "consent_required", "applies_to": {"purposes": ["marketing"]}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RegistryWorld]:
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    world.put_rules(GAP30)
    yield world
    world.database.close()


def stop(world: RegistryWorld, source: str = "opt_out", **fields: object) -> SuppressionOut:
    subject = {key: fields.pop(key) for key in ("contact", "email", "account", "domain") if key in fields}
    sent = SuppressionIn.model_validate({"subject": subject, "source": source, **fields})
    return world.registry.stops.suppress(sent, CRM)


def consent(world: RegistryWorld, contact: str, state: str, effective_from: str, **fields: object) -> list[str]:
    sent = {"contact": contact, "purpose": "marketing", "state": state, "effective_from": effective_from}
    return world.registry.stops.add_consent(ConsentIn.model_validate(sent | fields), CRM).new_conflicts


def test_a_stop_holds_at_once_and_lists_the_bookings_it_hits(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    planned = world.book(contact=contact)
    added = stop(world, contact=contact)
    assert added.new_conflicts == [planned.id]
    answer = world.check(contact=contact, at="2026-09-01T10:00:00Z")
    assert (answer.badge, refs(answer.reasons), answer.next_eligible_at) == ("do_not_contact", [added.id], None)
    assert world.registry.get_touchpoint(planned.id).status == "planned"


def test_one_address_stops_the_whole_person_in_any_spelling(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example", "jane.d@gmail.com")
    planned = world.book(contact=contact)
    added = stop(world, email="Jane.D+news@GoogleMail.com")
    assert added.new_conflicts == [planned.id]
    assert added.subject == {"kind": "address"}
    assert world.check(email="jane@corp.example").badge == "do_not_contact"


def test_a_stopped_address_is_kept_as_keyed_hashes_alone(world: RegistryWorld) -> None:
    stop(world, email="jane+promo@corp.example")
    with world.database.read() as session:
        tokens = [row.token for row in session.exec(select(SuppressionToken))]
    assert len(tokens) == 2
    assert not any("jane" in token for token in tokens)
    assert world.check(email="jane+other@corp.example").badge == "do_not_contact"


def test_a_bounce_stops_one_mailbox_and_only_mail(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example", "jane@home.example")
    stop(world, source="hard_bounce", email="jane@corp.example")
    asked = {"contact": contact, "channel": "email"}
    assert world.check(**asked, address="jane@corp.example").badge == "do_not_contact"
    assert world.check(**asked, address="jane@home.example").badge == "eligible"
    assert world.check(**asked).badge == "eligible"
    assert world.check(contact=contact, channel="phone").badge == "eligible"
    assert world.check(email="jane@corp.example", channel="email").badge == "do_not_contact"


def test_a_domain_and_a_company_stop_everybody_there(world: RegistryWorld) -> None:
    account = world.add_account()
    jane = world.add_contact("jane@corp.example", account=account)
    joe = world.add_contact("joe@rival.example")
    planned = [world.book(contact=jane).id, world.book(contact=joe).id]
    by_company = stop(world, account=account)
    by_domain = stop(world, source="legal", domain="@Rival.Example")
    assert by_company.new_conflicts + by_domain.new_conflicts == planned
    assert world.check(email="new@RIVAL.example").badge == "do_not_contact"
    assert world.check(email="new@mail.rival.example").badge == "unknown_person"


def test_a_stop_for_a_while_says_when_it_ends(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    stop(world, contact=contact, until="2026-06-01T00:00:00Z")
    assert str(world.check(contact=contact).next_eligible_at) == "2026-06-01 00:00:00+00:00"
    with pytest.raises(InvalidInput):
        stop(world, contact=contact, until="2026-06-01T00:00:00Z", **{"from": "2026-06-01T00:00:00Z"})


def test_confirming_judges_stops_again(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    held = world.reserve(contact=contact)
    stop(world, contact=contact)
    with pytest.raises(NotEligible) as refused:
        world.registry.confirm(held.id, CRM)
    assert refused.value.extra["badge"] == "do_not_contact"


def test_a_lifted_stop_stays_on_record_with_its_evidence(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    added = stop(world, contact=contact)
    with pytest.raises(Forbidden):
        world.registry.stops.lift(added.id, LiftIn(evidence="They wrote to us themselves."), COLLEAGUE)
    lifted = world.registry.stops.lift(added.id, LiftIn(evidence="They wrote to us themselves."), CRM)
    assert lifted.lifted_at is not None
    assert world.check(contact=contact).badge == "eligible"
    assert world.registry.stops.list_all(CRM)[0] == []
    assert [one.id for one in world.registry.stops.list_all(CRM, include_lifted=True)[0]] == [added.id]
    assert world.actions(added.id) == ["suppression.added", "suppression.lifted"]
    with pytest.raises(NotFound):
        world.registry.stops.lift("sup_missing", LiftIn(evidence="They wrote to us themselves."), CRM)


def test_why_somebody_is_stopped_is_for_the_privacy_role(world: RegistryWorld) -> None:
    contact = world.add_contact("jane@corp.example")
    stop(world, source="complaint", contact=contact)
    profile = world.registry.profile(contact, COLLEAGUE)
    assert profile.check.message == "Do not contact."
    assert world.registry.stops.list_all(COLLEAGUE)[0][0].source is None


def test_the_latest_consent_decides_and_ties_go_to_the_withdrawal(world: RegistryWorld) -> None:
    world.put_rules(CONSENT)
    contact = world.add_contact("jane@corp.example")
    asked = {"contact": contact, "purpose": "marketing", "channel": "email"}
    assert world.check(**asked).badge == "needs_consent"
    consent(world, contact, "granted", "2026-01-01T00:00:00Z")
    planned = world.book(**asked)
    assert consent(world, contact, "withdrawn", "2026-01-01T00:00:00Z") == [planned.id]
    assert world.check(**asked).badge == "needs_consent"
    consent(world, contact, "granted", "2026-05-20T00:00:00Z")
    assert str(world.check(**asked).next_eligible_at) == "2026-05-20 00:00:00+00:00"
    assert len(world.registry.stops.consents(contact)) == 3


def test_consent_can_never_be_overridden(world: RegistryWorld) -> None:
    world.put_rules(CONSENT)
    contact = world.add_contact("jane@corp.example")
    override = {"refs": ["mkt"], "reason": "They surely would not mind at all"}
    with pytest.raises(Forbidden) as refused:
        world.book(contact=contact, purpose="marketing", override=override)
    assert refused.value.code == "override_not_allowed"


def test_a_fact_about_an_erased_address_is_not_kept(world: RegistryWorld) -> None:
    world.registry.erasure.erase(world.add_contact("jane@corp.example"), EraseIn(), CRM)
    with pytest.raises(Conflict) as refused:
        world.record(email="jane+x@corp.example", at="2026-04-28T10:00:00Z")
    assert refused.value.code == "do_not_store"
    assert world.rows() == []


def test_bookings_from_before_somebody_joined_the_company_are_in_conflict_with_its_limits_and_stops_too(
    world: RegistryWorld,
) -> None:
    world.put_rules({**ACCOUNT1, "max": 2})
    acme = world.add_account()
    ann, jane = world.add_contact("ann@home.example"), world.add_contact("jane@corp.example", account=acme)
    joe = world.add_contact("joe@corp.example", account=acme)
    booked = world.book(contact=ann)
    world.registry.merging.merge(jane, ann, CRM)
    world.record(contact=joe, at="2026-04-20T10:00:00Z")
    assert world.record(contact=joe, at="2026-04-21T10:00:00Z").new_conflicts == [booked.id]
    stop = SuppressionIn.model_validate({"subject": {"account": acme}, "source": "opt_out"})
    assert world.registry.stops.suppress(stop, CRM).new_conflicts == [booked.id]
