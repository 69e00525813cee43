"""Callers that are narrower than a person: keys that are never told who somebody is, and keys that act for one team.

Called at the registry's door and where the items of a list are read one by one.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from contact_registry import schemas
from contact_registry.actor import Actor
from core.errors import AppError, Forbidden

M = TypeVar("M", bound=BaseModel)
Q = TypeVar("Q", bound=schemas.QuestionIn)

# What would tell which person on file an answer is about, or that two addresses are one person's.
_TELLING = frozenset({"contact", "account", "touchpoint"})


def shown_to(actor: Actor, out: M) -> M:
    """Return the answer as the actor may have it: without ids of people, companies and other touchpoints."""
    return _without_ids(out) if actor.hides_contacts else out


def check_own_team(team: str, actor: Actor) -> None:
    """Raise Forbidden `other_team` for a caller that acts for another one."""
    if actor.bound_team not in (None, team):
        raise Forbidden("other_team", f"This key acts for the team {actor.bound_team!r} only.", field="team")


def within_team(items: Sequence[Q | AppError], actor: Actor) -> list[Q | AppError]:
    """Return the items of a list, those for another team than the caller's as refusals."""
    return [item if isinstance(item, AppError) else _checked(item, actor) for item in items]


def with_own_team(defaults: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Return what items leave out, the caller's team among it."""
    return {"team": actor.bound_team, **defaults} if actor.bound_team is not None else defaults


def _checked(item: Q, actor: Actor) -> Q | AppError:
    try:
        check_own_team(item.team, actor)
    except Forbidden as error:
        return error
    return item


def _without_ids(out: M) -> M:
    changes: dict[str, Any] = {}
    for name in type(out).model_fields:
        value = getattr(out, name)
        if name in _TELLING:
            changes[name] = None
        elif name == "new_conflicts":
            changes[name] = []
        elif isinstance(value, BaseModel):
            changes[name] = _without_ids(value)
        elif isinstance(value, list):
            changes[name] = [_without_ids(one) if isinstance(one, BaseModel) else one for one in value]
    return out.model_copy(update=changes)
