"""Whose eyes look at interviews: the one rule of which they may see, for lists, search, exports and counts alike.

`app/access` makes a `Viewer` for each caller; repositories put `is_visible_to` into their queries, so that what may not
be seen is never counted. An interview without a project, or in a project that is not restricted, is everybody's.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlmodel import col

from core.tables import Interview, Project


@dataclass(frozen=True, slots=True)
class Viewer:
    """`projects` are the restricted ones they may look into; `only_source` confines them to what they sent."""

    sees_all: bool = False
    projects: frozenset[str] = frozenset()
    reads_unquotable: bool = False  # text and sound that a participant does not want quoted (the privacy permission)
    only_source: str | None = None

    def may_see_project(self, project: Project) -> bool:
        return self.sees_all or not project.is_restricted or project.id in self.projects


ALL_SEEING = Viewer(sees_all=True, reads_unquotable=True)  # jobs, commands of the machine's owner
EVERYBODY = Viewer()  # what is open to all


def is_visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition on `Interview` that holds for what `viewer` may know of."""
    conditions: list[ColumnElement[bool]] = []
    if viewer.only_source is not None:
        conditions.append(col(Interview.source) == viewer.only_source)
    if not viewer.sees_all:
        hidden = select(col(Project.id)).where(col(Project.is_restricted), col(Project.id).not_in(viewer.projects))
        conditions.append(or_(col(Interview.project_id).is_(None), col(Interview.project_id).not_in(hidden)))
    return and_(true(), *conditions)
