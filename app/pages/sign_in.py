"""Signing in with e-mail and password, with a one-time code or an administrator's key; choosing a password; leaving."""

from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app import cookies
from app.access.password_rules import MAX_LENGTH, MIN_LENGTH
from app.api.dependencies import ServicesDep
from app.pages.dependencies import check_csrf, render
from app.pages.signing_in import client_of, device_of, keep_secret, local_path, signed_in
from app.services import Services
from core.errors import AppError

router = APIRouter()

PasswordField = Annotated[str, Form(max_length=4 * MAX_LENGTH)]
TokenField = Annotated[str, Form(max_length=500)]


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_page(
    request: Request,
    services: ServicesDep,
    token: str = "",
    next_path: Annotated[str, Query(alias="next")] = "/",
) -> Response:
    """Ask who is there; a link brings its own code, and is used up only by the button: previews fetch links too."""
    if request.headers.get("HX-Request"):  # a page left open until its session ended: show all of this one instead
        return Response(
            status_code=204, headers={"HX-Redirect": f"/sign-in?next={quote(_open_page(request), safe='')}"}
        )
    return _sign_in_page(request, services, next_path, token=token)


@router.post("/sign-in", dependencies=[Depends(check_csrf)])
def sign_in(
    request: Request,
    services: ServicesDep,
    token: TokenField = "",
    email: Annotated[str, Form(max_length=500)] = "",
    password: PasswordField = "",
    next_path: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Begin a session with the code or the password; what was refused is said on the same page."""
    access, device = services.access, device_of(request)
    try:
        if token.strip():
            secret = access.sessions.sign_in(token, device)
        else:
            secret = access.passwords.sign_in(email, password, client_of(request), device)
    except AppError as error:
        return _sign_in_page(request, services, next_path, email=email, with_code=bool(token.strip()), error=error)
    return signed_in(request, services, secret, next_path)


@router.post("/sign-out", dependencies=[Depends(check_csrf)])
def sign_out(request: Request, services: ServicesDep) -> Response:
    services.access.sessions.sign_out(cookies.read(request, cookies.SESSION))
    response = RedirectResponse("/sign-in", status_code=303)
    cookies.remove(request, response, cookies.SESSION)
    return response


@router.get("/choose-password", response_class=HTMLResponse)
def choosing_page(request: Request, services: ServicesDep, token: str = "") -> Response:
    """Ask for the password of a new person, or for a new one; the link is used up only by choosing."""
    return _choosing_page(request, services, token)


@router.post("/choose-password", dependencies=[Depends(check_csrf)])
def choose_password(
    request: Request, services: ServicesDep, token: TokenField = "", password: PasswordField = ""
) -> Response:
    try:
        secret = services.access.passwords.choose(token, password, device_of(request))
    except AppError as error:
        return _choosing_page(request, services, token, error=error)
    return signed_in(request, services, secret, "/")


def sign_in_page_with(request: Request, services: Services, error: AppError) -> Response:
    """Return the sign-in page that says what went wrong on another way in."""
    return _sign_in_page(request, services, "/", error=error)


def _sign_in_page(
    request: Request,
    services: Services,
    next_path: str,
    *,
    token: str = "",
    email: str = "",
    with_code: bool = False,
    error: AppError | None = None,
) -> Response:
    response = render(
        request,
        "sign_in.html",
        status_code=error.status if error else 200,
        token=token,
        next=local_path(next_path),
        email=email,
        single_sign_on=services.access.single_sign_on is not None,
        with_code=with_code or not services.access.passwords.is_used(),
        error=error.message if error else None,
    )
    if error is not None and "retry_after" in error.extra:
        response.headers["Retry-After"] = str(error.extra["retry_after"])
    return keep_secret(response)


def _choosing_page(request: Request, services: Services, token: str, error: AppError | None = None) -> Response:
    try:
        choosing = services.access.passwords.choosing(token)
    except AppError as unusable:
        choosing, error = None, unusable
    response = render(
        request,
        "choose_password.html",
        status_code=error.status if error else 200,
        token=token,
        choosing=choosing,
        least=MIN_LENGTH,
        error=error.message if error else None,
    )
    return keep_secret(response)


def _open_page(request: Request) -> str:
    """Return the path of the page from which htmx asked."""
    asked_from = urlsplit(request.headers.get("HX-Current-URL", ""))
    return local_path(asked_from.path + (f"?{asked_from.query}" if asked_from.query else ""))
