"""Versions of the rules, the draft, purposes, and the names of teams."""

from dataclasses import dataclass

from sqlalchemy import String, cast, func, literal, select, union_all
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from contact_registry.tables_of_record import PolicyDraft, PolicySet, Purpose
from core.tables import Team


def active_version(session: Session) -> int:
    """Return the version of the rules in force; 0 when none were ever activated."""
    return int(session.connection().execute(select(func.coalesce(func.max(col(PolicySet.version)), 0))).scalar_one())


def active_set(session: Session) -> PolicySet | None:
    """Return the rules in force."""
    return session.exec(select_rows(PolicySet).order_by(col(PolicySet.version).desc()).limit(1)).first()


def policy_set(session: Session, version: int) -> PolicySet | None:
    return session.get(PolicySet, version)


def policy_sets(session: Session, limit: int = 100) -> list[PolicySet]:
    """Return the versions of the rules, newest first."""
    return list(session.exec(select_rows(PolicySet).order_by(col(PolicySet.version).desc()).limit(limit)))


def draft(session: Session) -> PolicyDraft | None:
    return session.get(PolicyDraft, 1, populate_existing=True)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every question needs to know of the workspace, read in one statement."""

    version: int
    service_purposes: frozenset[str]
    teams: dict[str, str]


_SURROUNDINGS = union_all(
    select(literal("version"), cast(func.coalesce(func.max(col(PolicySet.version)), 0), String), literal("")),
    select(literal("service"), col(Purpose.id), literal("")).where(col(Purpose.purpose_class) == "service"),
    select(literal("team"), col(Team.id), col(Team.name)),
)


def surroundings(session: Session) -> Surroundings:
    """Return the version in force, the service purposes and the names of teams."""
    version, services, teams = 0, set(), {}
    for kind, key, name in session.connection().execute(_SURROUNDINGS):
        if kind == "version":
            version = int(key)
        elif kind == "service":
            services.add(key)
        else:
            teams[key] = name
    return Surroundings(version, frozenset(services), teams)


def purposes(session: Session) -> list[Purpose]:
    """Return the purposes that are on record, by id."""
    return list(session.exec(select_rows(Purpose).order_by(col(Purpose.id))))
