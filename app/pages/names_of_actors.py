"""What people call those whose ids stand in the audit; looked up when a page is shown, never written there."""

from app.access.tables import ApiKey, User
from app.services import Services

_OURS = {"system": "Earshot itself", "cli": "The command line", "interview": "Earshot, from an interview"}


def name_of_actor(services: Services, actor: str) -> str:
    """Return the name of a user or key, or the id of one that is gone."""
    return names_of_actors(services, {actor})[actor]


def names_of_actors(services: Services, actors: set[str]) -> dict[str, str]:
    """Return what each of these is called."""
    names = {}
    with services.database.read() as session:
        for actor in actors:
            row = session.get(User, actor) or session.get(ApiKey, actor)
            kind = "key " if isinstance(row, ApiKey) else ""
            names[actor] = _OURS.get(actor, actor) if row is None else f"{kind}{row.name}"
    return names
