"""The pages people use: server-rendered HTML over the same services as the API."""

from app.pages import (
    contacts,
    formats,
    interviews,
    projects,
    reservations,
    search,
    settings,
    sign_in,
    upload,
)
from app.pages.dependencies import templates

formats.install(templates.env)

routers = tuple(
    page.router for page in (search, interviews, upload, contacts, reservations, projects, settings, sign_in)
)
