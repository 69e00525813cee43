"""The pages people use: server-rendered HTML over the same services as the API."""

from app.pages import (
    accounts,
    answers,
    audit,
    conflicts,
    consent,
    contact_consents,
    contact_editing,
    contacts,
    formats,
    interviews,
    many_reservations,
    me,
    participants,
    projects,
    registry_files,
    registry_imports,
    registry_jobs,
    reminders,
    reservations,
    rules,
    saved_searches,
    search,
    search_quality,
    settings,
    sign_in,
    single_sign_on,
    stops,
    touchpoints,
    upload,
    users,
)
from app.pages.dependencies import templates

formats.install(templates.env)

# Before `contacts`, whose `/contacts/{contact_id}` would take their addresses.
_registry = (
    rules,
    conflicts,
    registry_files,
    registry_imports,
    registry_jobs,
    many_reservations,
    stops,
    contact_editing,
    accounts,
    touchpoints,
    reminders,
    contact_consents,
)
_pages = (
    search,
    answers,
    saved_searches,
    interviews,
    participants,
    consent,
    upload,
    *_registry,
    contacts,
    reservations,
    projects,
    settings,
    search_quality,
    audit,
    users,
    me,
    sign_in,
    single_sign_on,
)
routers = tuple(page.router for page in _pages)
