"""The pages people use: server-rendered HTML over the same services as the API."""

from app.pages import (
    accounts,
    audit,
    conflicts,
    consent,
    contact_consents,
    contacts,
    formats,
    interviews,
    many_reservations,
    me,
    participants,
    projects,
    registry_files,
    reminders,
    reservations,
    rules,
    search,
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
    many_reservations,
    stops,
    accounts,
    touchpoints,
    reminders,
    contact_consents,
)
_pages = (
    search,
    interviews,
    participants,
    consent,
    upload,
    *_registry,
    contacts,
    reservations,
    projects,
    settings,
    audit,
    users,
    me,
    sign_in,
    single_sign_on,
)
routers = tuple(page.router for page in _pages)
