"""Signing in with a one-time link or an API key, and signing out."""

from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.sessions import SESSION_LIFETIME
from app.api.dependencies import SESSION_COOKIE, ServicesDep
from app.pages.dependencies import FORM_COOKIE, check_csrf, render
from core.errors import AppError

router = APIRouter()


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_page(
    request: Request,
    token: str = "",
    next_path: Annotated[str, Query(alias="next")] = "/",
) -> Response:
    """Ask for a code; a link brings its own, and is used up only by the button: previews fetch links too."""
    if request.headers.get("HX-Request"):  # a page left open until its session ended: show all of this one instead
        return Response(
            status_code=204, headers={"HX-Redirect": f"/sign-in?next={quote(_open_page(request), safe='')}"}
        )
    response = render(request, "sign_in.html", token=token, next=local_path(next_path), error=None)
    response.headers["cache-control"] = "no-store"
    response.headers["referrer-policy"] = "no-referrer"
    return response


@router.post("/sign-in", dependencies=[Depends(check_csrf)])
def sign_in(
    request: Request,
    services: ServicesDep,
    token: Annotated[str, Form(max_length=500)] = "",
    next_path: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Turn the code into a session; a refused code is said on the same page."""
    try:
        secret = services.access.sessions.sign_in(token)
    except AppError as error:
        return render(
            request, "sign_in.html", status_code=error.status, token="", next=local_path(next_path), error=error.message
        )
    response = RedirectResponse(local_path(next_path), status_code=303)
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    response.delete_cookie(FORM_COOKIE)
    return response


@router.post("/sign-out", dependencies=[Depends(check_csrf)])
def sign_out(request: Request, services: ServicesDep) -> Response:
    services.access.sessions.sign_out(request.cookies.get(SESSION_COOKIE, ""))
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(SESSION_COOKIE)
    return response


def _open_page(request: Request) -> str:
    """Return the path of the page from which htmx asked."""
    asked_from = urlsplit(request.headers.get("HX-Current-URL", ""))
    return local_path(asked_from.path + (f"?{asked_from.query}" if asked_from.query else ""))


def local_path(path: str) -> str:
    """Return the path if it leads to a page of ours, else the search page: a sign-in never sends people elsewhere."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if is_ours and "\\" not in path and path.isprintable() else "/"
