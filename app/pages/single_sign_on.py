"""Single sign-on: to the OpenID provider, and back with what it says.

The browser keeps the secret of the handshake in a cookie for ten minutes; the answer counts only in that browser.
"""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from app import cookies
from app.access.secrets import new_secret
from app.access.single_sign_on import CALLBACK, Handshake, SingleSignOn
from app.api.dependencies import ServicesDep
from app.pages.sign_in import sign_in_page_with
from app.pages.signing_in import device_of, keep_secret, local_path, signed_in
from app.services import Services
from core.errors import AppError, NotFound, Unauthorized

router = APIRouter()

HANDSHAKE_LIFETIME_S = 600


@router.get("/sign-in/single-sign-on")
def begin(
    request: Request,
    services: ServicesDep,
    next_path: Annotated[str, Query(alias="next", max_length=1000)] = "/",
) -> Response:
    """Send the browser to the provider."""
    handshake = Handshake(new_secret())
    try:
        response: Response = RedirectResponse(_service(services).address(handshake), status_code=303)
    except AppError as error:
        if isinstance(error, NotFound):
            raise
        return sign_in_page_with(request, services, error)
    kept = f"{handshake.secret}.{quote(local_path(next_path), safe='')}"
    cookies.put(request, response, cookies.SINGLE_SIGN_ON, kept, max_age_s=HANDSHAKE_LIFETIME_S)
    return keep_secret(response)


@router.get(CALLBACK)
def finish(request: Request, services: ServicesDep) -> Response:
    """Begin a session for whom the provider sent back."""
    service = _service(services)
    secret, _, next_path = cookies.read(request, cookies.SINGLE_SIGN_ON).partition(".")
    try:
        if not secret:
            raise Unauthorized("single_sign_on_refused", "Single sign-on took too long: begin again.")
        session = service.sign_in(dict(request.query_params), Handshake(secret), device_of(request))
    except AppError as error:
        response = sign_in_page_with(request, services, error)
    else:
        response = signed_in(request, services, session, unquote(next_path))
    cookies.remove(request, response, cookies.SINGLE_SIGN_ON)
    return keep_secret(response)


def _service(services: Services) -> SingleSignOn:
    if services.access.single_sign_on is None:
        raise NotFound("no_single_sign_on", "Single sign-on is not set up here.")
    return services.access.single_sign_on
