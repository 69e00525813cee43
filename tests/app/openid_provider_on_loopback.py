"""A real OpenID provider on this machine: the one of oidc-provider-mock, made to insist on PKCE.

A test may have it answer wrongly: `spoil` changes the claims of the ID tokens, `sign_with` signs them with another key.
"""

import base64
import hashlib
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import httpx2
import werkzeug.serving
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the provider still uses a module that Authlib wants to drop
    import oidc_provider_mock


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token of the algorithm `none`, which no library should write any more."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


class LoopbackProvider:
    """`address` is its issuer; `asked` are the forms that reached its token endpoint."""

    def __init__(self) -> None:
        self._challenges: dict[str, str] = {}
        self.behave()
        app = oidc_provider_mock.app(require_nonce=True)
        app.before_request(self._check_verifier)
        app.after_request(self._after)
        self._server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def behave(self) -> None:
        """Answer as the standard says again."""
        self.spoil: Callable[[dict[str, Any]], None] = lambda claims: None
        self.sign_with: RSAKey | OctKey | None = None
        self.algorithm = "RS256"
        self.asked: list[dict[str, str]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        yield
        self._server.shutdown()
        thread.join()
        self._server.server_close()

    def know(self, subject: str, **claims: object) -> None:
        httpx2.put(f"{self.address}/users/{subject}", json=claims).raise_for_status()

    def consent(self, address: str, subject: str) -> str:
        """Press the button on the provider's page; return where it sends the browser."""
        answer = httpx2.post(address, data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def _check_verifier(self) -> flask.Response | None:
        """RFC 7636, section 4.6; the provider itself does not."""
        if flask.request.path != "/oauth2/token":
            return None
        form = flask.request.form.to_dict()
        self.asked.append(form)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        given = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if self._challenges.pop(form.get("code", ""), None) == given:
            return None
        refused = flask.jsonify({"error": "invalid_grant"})
        refused.status_code = 400
        return refused

    def _after(self, response: flask.Response) -> flask.Response:
        if response.location and flask.request.args.get("code_challenge_method") == "S256":
            code = parse_qs(urlsplit(response.location).query).get("code", [""])[0]
            self._challenges[code] = flask.request.args["code_challenge"]
        if flask.request.path == "/oauth2/token" and response.status_code == 200:
            body = response.get_json()
            own = RSAKey.import_key(flask.g.oidc_provider_mock_storage.jwk.as_dict(is_private=True))
            token = jwt.decode(body["id_token"], own)
            self.spoil(token.claims)
            header = token.header | {"alg": self.algorithm}
            body["id_token"] = (
                unsigned(token.claims)
                if self.algorithm == "none"
                else jwt.encode(header, token.claims, self.sign_with or own, algorithms=[self.algorithm])
            )
            response.set_data(flask.json.dumps(body))
        return response
