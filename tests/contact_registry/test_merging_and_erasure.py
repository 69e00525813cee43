import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_registry.peppers import FILE_NAME, PepperFile
from contact_registry.repeats import RequestKey
from contact_registry.schemas import ReserveIn
from contact_registry.schemas_people import ConsentIn, ContactChange, ContactIn, EraseIn, SuppressionIn
from core.errors import Conflict, Gone, InvalidInput, NotFound
from tests.contact_registry.registry_world import ACCOUNT1, CRM, GAP30, RegistryWorld, new_registry, question, refs


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RegistryWorld]:
    world = new_registry(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path)
    world.put_rules(GAP30)
    yield world
    world.database.close()


def dump(tmp_path: Path) -> str:
    connection = sqlite3.connect(tmp_path / "earshot.db")
    try:
        return "\n".join(connection.iterdump()).lower()
    finally:
        connection.close()


def test_merging_adds_up_restrictions_and_keeps_old_ids_and_addresses(world: RegistryWorld) -> None:
    jane = world.add_contact("jane@corp.example", segments=["beta"])
    double = world.add_contact("jd@home.example", name="Jane Doe", segments=["beta", "panel"])
    world.record(contact=double, at="2026-04-28T10:00:00Z")
    sent = SuppressionIn.model_validate({"subject": {"contact": double}, "source": "opt_out"})
    added = world.registry.stops.suppress(sent, CRM)
    merged = world.registry.merging.merge(jane, double, CRM)
    assert (merged.into, merged.merged, merged.noop) == (jane, double, False)
    found = world.registry.get_contact(double)
    assert (found.id, found.name, found.segments, found.merged_from) == (jane, "Jane Doe", ["beta", "panel"], [double])
    assert world.registry.contact_by_email("jd@home.example").id == jane
    assert refs(world.check(contact=double).reasons) == [added.id, "gap30"]
    assert world.registry.merging.merge(jane, double, CRM).noop
    assert world.actions(jane).count("contact.merged") == 1
    with pytest.raises(InvalidInput) as refused:
        world.registry.merging.merge(jane, jane, CRM)
    assert refused.value.code == "merge_into_self"
    with pytest.raises(Conflict):
        world.registry.merging.merge(double, jane, CRM)


@pytest.mark.parametrize("granted_at", ["2026-04-20T10:00:00Z", "2026-06-20T10:00:00Z"])
@pytest.mark.parametrize("into_the_withdrawn", [True, False])
def test_a_withdrawal_in_either_log_outlives_a_merge_with_a_newer_grant_and_leaves_when_it_is_undone(
    world: RegistryWorld, granted_at: str, into_the_withdrawn: bool
) -> None:
    world.put_rules({"id": "asked", "kind": "consent_required"})
    said_no, said_yes = world.add_contact("jane@corp.example"), world.add_contact("jd@home.example")
    for contact, state, at in (
        (said_no, "withdrawn", "2026-03-01T10:00:00Z"),
        (said_yes, "granted", granted_at),
    ):
        line = {"contact": contact, "purpose": "interview", "state": state, "effective_from": at}
        world.registry.stops.add_consent(ConsentIn.model_validate(line), CRM)
    later = "2026-06-21T10:00:00Z"
    into, source = (said_no, said_yes) if into_the_withdrawn else (said_yes, said_no)
    world.registry.merging.merge(into, source, CRM)
    assert refs(world.check(contact=said_yes, at=later).reasons) == ["asked"]
    world.registry.merging.unmerge(source, CRM)
    assert world.check(contact=said_yes, at=later).decision == "eligible"
    assert refs(world.check(contact=said_no, at=later).reasons) == ["asked"]


def test_bookings_that_collide_after_a_merge_are_listed(world: RegistryWorld) -> None:
    jane, double = world.add_contact("jane@corp.example"), world.add_contact("jd@home.example")
    first = world.book(contact=jane)
    second = world.book(contact=double, at="2026-05-15T10:00:00Z")
    assert world.registry.merging.merge(jane, double, CRM).new_conflicts == [first.id, second.id]
    assert {one.cause for one in world.registry.conflicts.list_open()} == {"merge"}


def test_chains_of_merges_collapse_and_each_comes_apart_again(world: RegistryWorld) -> None:
    one, two, three = (world.add_contact(f"{name}@corp.example") for name in ("one", "two", "three"))
    fact = world.record(contact=three, at="2026-04-28T10:00:00Z")
    world.registry.merging.merge(two, three, CRM)
    world.registry.merging.merge(one, two, CRM)
    assert world.registry.get_contact(three).id == one
    assert world.registry.get_contact(one).emails == ["one@corp.example", "two@corp.example", "three@corp.example"]
    world.registry.merging.unmerge(three, CRM)
    assert world.registry.get_contact(three).emails == ["three@corp.example"]
    assert world.registry.get_touchpoint(fact.id).contact == three
    assert world.check(contact=one).badge == "eligible"
    with pytest.raises(Conflict) as refused:
        world.registry.merging.unmerge(three, CRM)
    assert refused.value.code == "not_merged"


def test_a_merge_that_is_undone_gives_back_what_it_filled(world: RegistryWorld) -> None:
    jane = world.add_contact("jane@corp.example")
    double = world.add_contact("jd@home.example", name="Jane Doe", tz="Europe/Prague")
    world.registry.merging.merge(jane, double, CRM)
    world.registry.merging.unmerge(double, CRM)
    back = world.registry.get_contact(jane)
    assert (back.name, back.tz, back.emails) == (None, None, ["jane@corp.example"])
    assert world.registry.get_contact(double).name == "Jane Doe"


def test_nothing_that_names_an_erased_person_stays_anywhere(world: RegistryWorld, tmp_path: Path) -> None:
    contact = world.add_contact("Eva.Nova@gmail.com", "eva@corp.example", name="Eva Novakova", phones=["+420123456789"])
    request = RequestKey(CRM.id, "K1", "POST", "/reservations", {"email": "eva@corp.example"})
    asked = ReserveIn.model_validate(question(email="eva@corp.example", notes="Eva likes lapsang", engagement="eva-1"))
    held = world.registry.reserve(asked, CRM, request)
    world.record(contact=contact, at="2026-04-01T10:00:00Z", notes="Eva Novakova called", external_id="crm-eva")
    made = RequestKey(CRM.id, "K2", "POST", "/contacts", {})
    world.registry.add_contact(ContactIn(name="Eva Novakova", emails=["eva2@corp.example"]), CRM, made)
    world.registry.merging.merge(contact, world.registry.contact_by_email("eva2@corp.example").id, CRM)
    erased = world.registry.erasure.erase(contact, EraseIn(), CRM)
    assert (erased.suppressed_addresses, erased.cancelled, erased.anonymised) == (4, 1, 1)
    world.database.close()
    text = dump(tmp_path)
    assert not [word for word in ("eva", "nova", "420123456789", "lapsang") if word in text]
    assert world.registry.get_touchpoint(held.id).status == "cancelled"


def test_an_erased_person_stays_uncontactable_in_every_spelling(world: RegistryWorld) -> None:
    contact = world.add_contact("Eva.Nova@gmail.com", "eva@corp.example")
    world.registry.erasure.erase(contact, EraseIn(), CRM)
    for spelling in ("eva@CORP.example", "eva+x@corp.example", "evanova+x@googlemail.com"):
        answer = world.check(email=spelling)
        assert (answer.badge, answer.contact, answer.next_eligible_at) == ("do_not_contact", None, None)
    with pytest.raises(Gone) as gone:
        world.registry.get_contact(contact)
    assert gone.value.code == "contact_erased"
    assert world.registry.erasure.erase(contact, EraseIn(), CRM).noop
    with pytest.raises(NotFound):
        world.registry.erasure.erase("con_missing", EraseIn(), CRM)


def test_company_limits_still_count_an_erased_colleague_unless_told_otherwise(world: RegistryWorld) -> None:
    world.put_rules(ACCOUNT1)
    account = world.add_account()
    jane, joe, eva = (world.add_contact(f"{name}@corp.example", account=account) for name in ("jane", "joe", "eva"))
    world.record(contact=jane, at="2026-04-28T10:00:00Z")
    world.registry.erasure.erase(jane, EraseIn(), CRM)
    assert world.check(contact=joe).badge == "limit_reached"
    world.registry.erasure.erase(eva, EraseIn(touchpoints="delete"), CRM)
    assert len(world.rows()) == 1


def test_the_account_link_can_be_dropped_and_the_log_deleted(world: RegistryWorld) -> None:
    world.put_rules(ACCOUNT1)
    account = world.add_account()
    jane, joe = (world.add_contact(f"{name}@corp.example", account=account) for name in ("jane", "joe"))
    world.record(contact=jane, at="2026-04-28T10:00:00Z")
    world.registry.erasure.erase(jane, EraseIn(drop_account=True), CRM)
    assert world.check(contact=joe).badge == "eligible"
    world.record(contact=joe, at="2026-04-28T10:00:00Z")
    assert world.registry.erasure.erase(joe, EraseIn(touchpoints="delete"), CRM).deleted == 1
    assert [row.contact_id for row in world.rows()] == [None]


def test_the_keys_of_hashes_lie_outside_the_database_for_the_owner_alone(world: RegistryWorld, tmp_path: Path) -> None:
    world.registry.erasure.erase(world.add_contact("eva@corp.example"), EraseIn(), CRM)
    file = tmp_path / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PepperFile(tmp_path).newest.key.hex() not in dump(tmp_path)


def test_old_keys_still_recognise_people_after_a_new_one_was_added(world: RegistryWorld, tmp_path: Path) -> None:
    world.registry.erasure.erase(world.add_contact("eva@corp.example"), EraseIn(), CRM)
    assert world.registry.workplace.peppers.add_key() == 2
    assert world.check(email="eva@corp.example").badge == "do_not_contact"
    world.registry.erasure.erase(world.add_contact("joe@corp.example"), EraseIn(), CRM)
    assert world.check(email="joe@corp.example").badge == "do_not_contact"


def test_an_address_of_somebody_else_is_refused_with_whose_it_is(world: RegistryWorld) -> None:
    jane = world.add_contact("jane.d@gmail.com")
    with pytest.raises(Conflict) as refused:
        world.add_contact("JaneD@googlemail.com")
    assert (refused.value.code, refused.value.extra["contact"]) == ("address_taken", jane)


def test_people_are_found_by_name_address_and_phone_and_changed(world: RegistryWorld) -> None:
    jane = world.add_contact("jane@corp.example", name="Jane Doe", phones=["+420 123 456 789"])
    world.add_contact("joe@corp.example", name="Joe Bloggs")
    for query in ("jane d", "JANE@corp.example", "+420123456789"):
        assert [one.id for one in world.registry.find_contacts(query).items] == [jane]
    changed = world.registry.change_contact(jane, ContactChange(emails=["jane@new.example"], name="Jane Roe"), CRM)
    assert (changed.emails, changed.phones, changed.name) == (["jane@new.example"], ["+420 123 456 789"], "Jane Roe")
    assert world.registry.find_contacts("jane@corp.example").items == []
    page = world.registry.find_contacts(limit=1)
    assert page.next_cursor is not None
    second = world.registry.find_contacts(limit=1, cursor=page.next_cursor)
    assert (page.items[0].name, second.items[0].name, second.next_cursor) == ("Jane Roe", "Joe Bloggs", None)


def test_likely_doubles_are_suggested_and_never_merged(world: RegistryWorld) -> None:
    account = world.add_account()
    jane = world.add_contact("jane@corp.example", name="Jane Doe", account=account)
    tagged = world.add_contact("jane+work@corp.example")
    namesake = world.add_contact("jd@home.example", name="Jane Doe", account=account)
    assert world.registry.profile(jane, CRM).suspected_duplicates == sorted([tagged, namesake])
