"""Who asks: what the registry needs to know about a caller, whichever door they came through."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` goes into the audit; `source` is the namespace of the external ids they send."""

    id: str
    source: str
    may_override: bool = True
    sees_privacy: bool = True  # may know why somebody must not be contacted
    hides_contacts: bool = False  # is never told who on file somebody is
    bound_team: str | None = None  # the only team it may ask and claim for


SYSTEM = Actor(id="system", source="system")
