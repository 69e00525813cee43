"""What every page takes: who is signed in, a renderer, and the check of a form's token."""

import hashlib
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import quote

from fastapi import Depends, Form, Request
from starlette.responses import HTMLResponse
from starlette.templating import Jinja2Templates

from app import cookies
from app.access.permissions import Permission
from app.access.principals import Principal
from app.access.secrets import form_token, form_token_matches
from app.api.dependencies import ServicesDep
from core.errors import Forbidden, Unauthorized

FRONTEND = Path(__file__).parents[2] / "frontend"
STATIC = FRONTEND / "static"


class SignInNeededError(Exception):
    """A page was asked for by somebody who is not signed in; the app answers with a redirect."""

    def __init__(self, next_path: str) -> None:
        super().__init__("sign-in needed")
        self.location = f"/sign-in?next={quote(next_path, safe='')}"


def page_user(request: Request, services: ServicesDep) -> Principal:
    """Return who is signed in; raises SignInNeededError, which becomes a redirect to the sign-in page."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    cookie = cookies.read(request, cookies.SESSION)
    if not cookie:
        raise SignInNeededError(target if request.method == "GET" else "/")
    try:
        principal = services.access.sessions.principal_of(cookie)
    except Unauthorized as error:
        raise SignInNeededError(target if request.method == "GET" else "/") from error
    request.state.user = principal
    return principal


PageUser = Annotated[Principal, Depends(page_user)]


def user_of(request: Request) -> Principal:
    """Return who is signed in, once a dependency of this module has found out."""
    return cast(Principal, request.state.user)


def permitted(permission: Permission) -> Callable[[Principal], Principal]:
    """Return the dependency that lets those pass who hold `permission`; others get the page that says so (403)."""

    def check(user: PageUser) -> Principal:
        user.require(permission)
        return user

    return check


PageReader = Annotated[Principal, Depends(permitted(Permission.READ))]
PageIngester = Annotated[Principal, Depends(permitted(Permission.INGEST))]
PageContactReader = Annotated[Principal, Depends(permitted(Permission.CONTACTS_READ))]
PageContactWriter = Annotated[Principal, Depends(permitted(Permission.CONTACTS_WRITE))]
PagePrivacyOfficer = Annotated[Principal, Depends(permitted(Permission.PRIVACY))]
PageAdministrator = Annotated[Principal, Depends(permitted(Permission.ADMIN))]


def browser_secret(request: Request) -> str:
    """Return what the form token is derived from: the session, or before sign-in a cookie of its own."""
    known = cookies.read(request, cookies.SESSION) or cookies.read(request, cookies.FORM)
    if known:
        return known
    if not hasattr(request.state, "new_form_secret"):
        request.state.new_form_secret = secrets.token_urlsafe(24)
    return str(request.state.new_form_secret)


def check_csrf(request: Request, csrf_token: Annotated[str, Form()] = "") -> None:
    """Raise Forbidden `invalid_form_token` unless the form carries this browser's token (field or header)."""
    given = request.headers.get("X-CSRF-Token") or csrf_token
    if not form_token_matches(browser_secret(request), given):
        raise Forbidden("invalid_form_token", "This form is too old or came from elsewhere: load the page again.")


@cache
def _static_version(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]


def static_url(path: str) -> str:
    """Return the address of a static file with a hash of its content, so that browsers may keep it for ever."""
    return f"/static/{path}?v={_static_version(path)}"


templates = Jinja2Templates(directory=FRONTEND / "templates")
templates.env.globals["static_url"] = static_url
templates.env.trim_blocks = True
templates.env.lstrip_blocks = True


def render(request: Request, name: str, *, status_code: int = 200, **context: Any) -> HTMLResponse:
    """Return the page; templates also get `user` (or None) and `csrf_token`."""
    context.setdefault("user", getattr(request.state, "user", None))
    context["csrf_token"] = form_token(browser_secret(request))
    response = templates.TemplateResponse(request, name, context, status_code=status_code)
    response.headers["cache-control"] = "private, no-cache"  # a shared computer's cache keeps nobody's words
    new_secret = getattr(request.state, "new_form_secret", None)
    if new_secret:
        cookies.put(request, response, cookies.FORM, new_secret)
    return response
