"""The pages people use: server-rendered HTML over the same services as the API."""

from app.pages import (
    accounts,
    conflicts,
    contacts,
    formats,
    interviews,
    projects,
    registry_files,
    reservations,
    rules,
    search,
    settings,
    sign_in,
    stops,
    upload,
)
from app.pages.dependencies import templates

formats.install(templates.env)

# Before `contacts`, whose `/contacts/{contact_id}` would take their addresses.
_registry = (rules, conflicts, registry_files, stops, accounts)
_pages = (search, interviews, upload, *_registry, contacts, reservations, projects, settings, sign_in)
routers = tuple(page.router for page in _pages)
