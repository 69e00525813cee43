"""What the ways of signing in share: beginning a browser's session, and where people go next."""

from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from app import cookies
from app.access.sessions import SESSION_LIFETIME
from app.services import Services

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_of(request: Request) -> str:
    """Return how the owner will recognise this browser: "Firefox on Linux"."""
    agent = request.headers.get("user-agent", "")
    browser = next((word for mark, word in _BROWSERS if mark in agent), "A browser")
    system = next((word for mark, word in _SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser


def client_of(request: Request) -> str:
    """Return the network address that asks, as the server knows it (behind a proxy it trusts: the one before it).

    Of IPv6 the network: whoever has one address has the 2^64 of a /64, and would have as many tries.
    """
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:  # a socket file, or a test
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return host


def signed_in(request: Request, services: Services, secret: str, next_path: str) -> Response:
    """Give the browser its new session, end the one it had, and go on."""
    before = cookies.read(request, cookies.SESSION)
    if before:
        services.access.sessions.sign_out(before)
    response = RedirectResponse(local_path(next_path), status_code=303)
    put_session(request, response, secret)
    cookies.remove(request, response, cookies.FORM)
    return response


def put_session(request: Request, response: Response, secret: str) -> None:
    cookies.put(request, response, cookies.SESSION, secret, max_age_s=int(SESSION_LIFETIME.total_seconds()))


def keep_secret(response: Response) -> Response:
    """Mark a page whose address or text holds a secret: it is not stored, and no other site hears of its address."""
    response.headers["cache-control"] = "no-store"
    response.headers["referrer-policy"] = "no-referrer"
    return response


def local_path(path: str) -> str:
    """Return the path if it leads to a page of ours, else the search page: a sign-in never sends people elsewhere."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if is_ours and "\\" not in path and path.isprintable() else "/"


def link_to(request: Request, services: Services, path: str) -> str:
    """Return the address of one of our pages, to hand to somebody."""
    base = services.settings.base_url or str(request.base_url)
    return base.rstrip("/") + path
