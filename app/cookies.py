"""The cookies of a browser: its session, and before that what its forms' token is derived from.

Under https their names begin with `__Host-`, so that no neighbouring site and no unencrypted answer can set them. A
proxy that ends TLS in front of Earshot is known by EARSHOT_BASE_URL.
"""

from typing import cast

from fastapi import Request
from starlette.responses import Response

from app.services import Services

SESSION = "earshot_session"
FORM = "earshot_form"
SINGLE_SIGN_ON = "earshot_single_sign_on"


def is_secure(request: Request) -> bool:
    """Whether the browser reaches Earshot over https."""
    services = cast(Services, request.app.state.services)
    return request.url.scheme == "https" or services.settings.base_url.lower().startswith("https://")


def read(request: Request, name: str) -> str:
    """Return the cookie's value; "" without one."""
    return request.cookies.get(_full_name(request, name), "")


def put(request: Request, response: Response, name: str, value: str, *, max_age_s: int | None = None) -> None:
    """Set a cookie that scripts cannot read and other sites' forms cannot send; without `max_age_s` for a sitting."""
    response.set_cookie(
        _full_name(request, name),
        value,
        max_age=max_age_s,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )


def remove(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(
        _full_name(request, name), path="/", httponly=True, samesite="lax", secure=is_secure(request)
    )


def _full_name(request: Request, name: str) -> str:
    return f"__Host-{name}" if is_secure(request) else name
