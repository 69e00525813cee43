"""Static files whose address carries a hash of their content (`static_url`): browsers may keep them for ever."""

from collections.abc import Mapping

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"


class HashedStaticFiles(StaticFiles):
    """Answers that are found may be kept: for ever with a hash in the address, else until they change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in (200, 304):
            response.headers["cache-control"] = FOR_EVER if _has_hash(scope) else "no-cache"
        return response


def _has_hash(scope: Mapping[str, object]) -> bool:
    query = scope.get("query_string", b"")
    return isinstance(query, bytes) and query.startswith(b"v=")
