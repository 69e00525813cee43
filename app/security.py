"""What every answer carries and every request must pass: no foreign script, no framing, no guessing of types, our host.

Answers of the API are kept by no cache: most of them hold personal data, and the others are not worth a rule.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Without includeSubDomains: Earshot speaks for its own host, what else lives in the domain is not its business.
STRICT_TRANSPORT = "max-age=31536000"
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})  # probes and proxies on the same machine


class SecurityHeaders:
    """ASGI middleware that adds the headers where the answer has none of its own."""

    def __init__(self, app: ASGIApp, base_url: str = "") -> None:
        self.app = app
        self._is_behind_tls = base_url.lower().startswith("https://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers_here = dict(_HEADERS)
        if self._is_behind_tls or scope["scheme"] == "https":
            headers_here["strict-transport-security"] = STRICT_TRANSPORT
        if scope["path"].startswith("/api/v1/"):
            headers_here["cache-control"] = "no-store"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in headers_here.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class HostCheck:
    """ASGI middleware that refuses requests for another host than that of the base URL, so that no link made from the
    Host header can lead elsewhere. Without a base URL every host is ours; the health check answers to any.
    """

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self.app = app
        host = _host_of(base_url)
        self._hosts = None if host is None else _HERE | {host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != "/healthz" and not self._is_ours(Headers(scope=scope)):
            sentence = "This host is not served here: use the address that EARSHOT_BASE_URL names."
            await problem(400, "unknown_host", "Bad request", sentence)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        return self._hosts is None or _host_of("//" + headers.get("host", "")) in self._hosts


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:  # brackets that hold no address
        return None
