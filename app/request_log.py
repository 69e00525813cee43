"""One log line for each request: method, route, status, milliseconds. Never the query, which may name people."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("earshot.requests")


class RequestLog:
    """ASGI middleware; the route's template is logged in place of the path, which holds ids."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not logger.isEnabledFor(logging.INFO):
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            took_ms = (time.perf_counter() - started) * 1000
            logger.info("%s %s %s %.0f ms", scope["method"], route, status, took_ms)
