"""The one HTML page for everything that goes wrong: expected errors, unknown addresses, bugs."""

from fastapi import Request
from starlette.responses import HTMLResponse

from app import cookies
from app.pages.dependencies import render
from core.errors import Unauthorized

HEADINGS = {
    400: "That request could not be read",
    401: "You are not signed in",
    403: "That is not allowed",
    404: "There is nothing here",
    405: "That is not done this way",
    409: "Not now",
    410: "This is gone",
    412: "Somebody changed it meanwhile",
    413: "That is too large",
    422: "Something is not right yet",
    429: "That was too often",
    503: "A part of Earshot is missing",
}


def error_page(request: Request, status: int, sentence: str) -> HTMLResponse:
    """Return the page; the navigation stands on it when somebody is signed in."""
    if status == 404 and sentence == "Not Found":
        sentence = "Perhaps it was deleted, or the address has a slip in it."
    heading = HEADINGS.get(status, "Something broke" if status >= 500 else "That did not work")
    return render(
        request,
        "error.html",
        status_code=status,
        status=status,
        heading=heading,
        sentence=sentence,
        back=_page_before(request),
        user=_user(request),
    )


def _user(request: Request) -> object | None:
    known = getattr(request.state, "user", None)
    cookie = cookies.read(request, cookies.SESSION)
    if known is not None or not cookie:
        return known
    try:
        return request.app.state.services.access.sessions.principal_of(cookie)  # type: ignore[no-any-return]
    except Unauthorized:
        return None


def _page_before(request: Request) -> str | None:
    """Return the path of the page the visitor came from, if it is one of ours and another one."""
    before = request.headers.get("referer", "")
    own = f"{request.url.scheme}://{request.url.netloc}/"
    if not before.startswith(own) or before == str(request.url):
        return None
    return before[len(own) - 1 :]
