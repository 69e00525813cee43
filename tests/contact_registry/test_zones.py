"""Dates and instants across clock changes, missing days and ends of months."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from contact_registry.durations import Duration, DurationError, parse_duration
from contact_registry.values import ContactView, ZoneSource
from contact_registry.zones import (
    add_calendar,
    first_instant,
    instant_of,
    local_date,
    transition_between,
    zone_exists,
    zone_of_contact,
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        (date(2026, 4, 9), "Europe/Prague", "2026-04-08T22:00"),
        (date(2026, 3, 29), "Asia/Beirut", "2026-03-28T22:00"),  # midnight is missing: the day starts at 01:00
        (date(2026, 11, 1), "America/Havana", "2026-11-01T04:00"),  # midnight comes twice: the first one
        (date(2011, 12, 30), "Pacific/Apia", "2011-12-30T10:00"),  # a day that never was
        (date(1919, 3, 31), "America/Toronto", "1919-03-31T04:30"),  # the clock jumped from 23:30 to 00:30
    ],
)
def test_a_local_date_begins_at_its_first_instant(day: date, zone: str, expected: str) -> None:
    assert first_instant(day, zone) == utc(expected)
    assert local_date(first_instant(day, zone), zone) >= day
    assert local_date(first_instant(day, zone) - timedelta(milliseconds=1), zone) < day


def test_a_local_time_is_the_earlier_in_a_fold_and_the_later_in_a_gap() -> None:
    assert instant_of(datetime.fromisoformat("2026-10-25T02:30"), "Europe/Prague") == utc("2026-10-25T00:30")
    assert instant_of(datetime.fromisoformat("2026-03-29T02:30"), "Europe/Prague") == utc("2026-03-29T01:30")


@pytest.mark.parametrize(
    ("day", "length", "expected"),
    [
        (date(2026, 1, 31), "P1M", date(2026, 2, 28)),
        (date(2028, 1, 31), "P1M", date(2028, 2, 29)),
        (date(2028, 2, 29), "P1Y", date(2029, 2, 28)),
        (date(2026, 11, 30), "P3M", date(2027, 2, 28)),
        (date(2026, 1, 31), "P1M1D", date(2026, 3, 1)),
        (date(2026, 3, 1), "P30D", date(2026, 3, 31)),
    ],
)
def test_months_are_added_first_and_end_at_the_end_of_the_month(day: date, length: str, expected: date) -> None:
    assert add_calendar(day, parse_duration(length)) == expected


def test_a_clock_change_is_found_to_the_second() -> None:
    jump = transition_between(utc("2026-03-08T05:12:13.5"), utc("2026-03-08T09:00"), "America/New_York")
    assert jump == utc("2026-03-08T07:00")
    assert transition_between(utc("2026-03-09T00:00"), utc("2026-03-10T00:00"), "America/New_York") is None


def test_the_zone_of_a_person_is_their_own_then_the_accounts_then_the_workspaces() -> None:
    assert zone_of_contact(ContactView("c", tz="Asia/Tokyo", account_tz="UTC"), "UTC") == (
        "Asia/Tokyo",
        ZoneSource.CONTACT,
    )
    assert zone_of_contact(ContactView("c", account_tz="Asia/Tokyo"), "UTC")[1] is ZoneSource.ACCOUNT
    assert zone_of_contact(ContactView("c"), "Europe/Prague") == ("Europe/Prague", ZoneSource.WORKSPACE)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "contact", "/etc/passwd"])
def test_a_zone_that_is_not_in_the_database_does_not_exist(name: str) -> None:
    assert not zone_exists(name)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P30D", Duration(days=30)),
        ("P2W", Duration(days=14)),
        ("P1Y2M3D", Duration(months=14, days=3)),
        ("PT15M", Duration(microseconds=900_000_000)),
        ("P1DT1H0.5S", Duration(days=1, microseconds=3_600_500_000)),
    ],
)
def test_a_duration_is_read_and_written(text: str, length: Duration) -> None:
    assert parse_duration(text) == length
    assert parse_duration(str(length)) == length


@pytest.mark.parametrize("text", ["", "P", "PT", "30D", "P-1D", "P1.5D", "P1D ", "p1d", "PT1", "P1DT", "P١D"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(DurationError):
        parse_duration(text)


def test_months_have_no_elapsed_length() -> None:
    assert parse_duration("P7DT1H").elapsed == timedelta(days=7, hours=1)
    with pytest.raises(DurationError):
        _ = parse_duration("P1M").elapsed
