"""What every API route takes: the services and who is calling."""

from collections.abc import Awaitable, Callable
from typing import Annotated, cast

from fastapi import Depends, Request
from pydantic import StringConstraints

from app import cookies
from app.access.permissions import Permission
from app.access.principals import Principal
from app.access.secrets import form_token_matches
from app.api import rate_limits
from app.services import Services
from core.errors import Forbidden, Unauthorized

FORM_TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - the name of a header
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


# What asks nobody is `async`: a plain function would be sent to a thread and back for nothing.
async def get_services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


ServicesDep = Annotated[Services, Depends(get_services)]

# An id as a body names it. Measuring it refuses half characters (lone surrogates) too, which no database takes.
GivenId = Annotated[str, StringConstraints(max_length=200)]


def current_user(request: Request, services: ServicesDep) -> Principal:
    """Return who is calling: the bearer of a key, or a browser's session (whose writes carry the form token).

    Raises Unauthorized `not_signed_in`, `invalid_key`, `session_expired`; Forbidden `invalid_form_token`.
    """
    header = request.headers.get("authorization", "")
    scheme, _, secret = header.partition(" ")
    if header:
        if scheme.lower() != "bearer" or not secret.strip():
            raise Unauthorized("invalid_key", "Send the key as 'Authorization: Bearer <key>'.")
        principal = services.access.keys.principal_of(secret.strip())
        rate_limits.count(services, principal)
        return principal
    cookie = cookies.read(request, cookies.SESSION)
    if not cookie:
        raise Unauthorized("not_signed_in", "Send an API key as 'Authorization: Bearer <key>', or sign in.")
    principal = services.access.sessions.principal_of(cookie)
    if request.method not in _READING and not form_token_matches(cookie, request.headers.get(FORM_TOKEN_HEADER, "")):
        raise Forbidden("invalid_form_token", f"A browser's session must send its form token as {FORM_TOKEN_HEADER}.")
    return principal


CurrentUser = Annotated[Principal, Depends(current_user)]


async def themselves(user: CurrentUser) -> Principal:
    """Let people and administrators' keys in; raise Forbidden `not_permitted` for other keys, whatever their scopes."""
    if not user.role and not user.may(Permission.ADMIN):
        raise Forbidden("not_permitted", "A key sees and ends no sessions and revokes no keys: sign in to do that.")
    return user


Themselves = Annotated[Principal, Depends(themselves)]


def permitted(*permissions: Permission) -> Callable[[Principal], Awaitable[Principal]]:
    """Return the dependency that lets those pass who hold one of `permissions`; else Forbidden `not_permitted`."""

    async def check(user: CurrentUser) -> Principal:
        if not any(user.may(permission) for permission in permissions):
            user.require(permissions[0])
        return user

    return check


Reader = Annotated[Principal, Depends(permitted(Permission.READ))]
Ingester = Annotated[Principal, Depends(permitted(Permission.INGEST))]
ReaderOrIngester = Annotated[Principal, Depends(permitted(Permission.READ, Permission.INGEST))]
ContactReader = Annotated[Principal, Depends(permitted(Permission.CONTACTS_READ))]
ContactWriter = Annotated[Principal, Depends(permitted(Permission.CONTACTS_WRITE))]
PrivacyOfficer = Annotated[Principal, Depends(permitted(Permission.PRIVACY))]
Administrator = Annotated[Principal, Depends(permitted(Permission.ADMIN))]
