"""The contact registry's routes: questions, claims, people, stops, rules, imports and records."""

from app.api.contacts import (
    accounts,
    contacts,
    eligibility,
    imports,
    jobs,
    policy_sets,
    records,
    reservations,
    stops,
    touchpoints,
)

routers = (
    eligibility.router,
    reservations.router,
    touchpoints.router,
    contacts.router,
    accounts.router,
    stops.router,
    policy_sets.router,
    imports.router,
    jobs.router,
    records.router,
)
