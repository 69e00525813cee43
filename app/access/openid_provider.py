"""Talks to the OpenID provider: discovery, where people are sent, and what the provider says of who came back.

Authorization code with PKCE (S256), state and nonce, all derived from one secret that only the browser's cookie holds.
Sources: OpenID Connect Core 1.0 section 3.1, Discovery 1.0 section 4.3, RFC 7636, RFC 9207, RFC 9700.
"""

import hmac
import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.access.single_sign_on import Handshake
from core.errors import Unauthorized, Unavailable

logger = logging.getLogger("earshot.access")

SCOPES = ("openid", "email", "profile")
TIMEOUT_S = 10
CLOCK_SKEW_S = 60  # how far the provider's clock may be from ours
MAX_SUBJECT_LENGTH = 255  # OpenID Connect Core 1.0, section 2
METADATA_LIFETIME_S = 3600
# Signatures that need the provider's private key: never `none`, and no HMAC with a key that we hold ourselves.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")


class OpenIdProvider:
    """`redirect_uri` is the one address to which the provider may send people back."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str, groups_claim: str) -> None:
        self.issuer = issuer
        self.groups_claim = groups_claim
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._metadata: dict[str, Any] = {}
        self._metadata_until = 0.0

    def address(self, handshake: Handshake) -> str:
        """Return where to send the browser. Raises Unavailable `single_sign_on_unavailable`."""
        with self._client() as client:
            metadata = self._discover(client)
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=handshake.state,
                nonce=handshake.nonce,
                code_verifier=handshake.code_verifier,
            )
        return str(address)

    def claims(self, answer: Mapping[str, str], handshake: Handshake, now: datetime) -> dict[str, Any]:
        """Return what the provider vouches for: the claims of the ID token, completed from its user info.

        `answer` is the query with which the browser came back. Raises Unauthorized `single_sign_on_refused` for
        whatever does not fit; Unavailable `single_sign_on_unavailable`.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), handshake.state.encode()):
            raise _refused("the state is not this browser's")
        if answer.get("iss", self.issuer) != self.issuer:
            raise _refused("another issuer answered")
        if "code" not in answer:
            raise _refused("the provider sent no code")
        try:
            with self._client() as client:
                return self._claims(client, answer["code"], handshake, int(now.timestamp()))
        except httpx2.HTTPError as error:
            raise _unavailable(error) from error
        except (AuthlibBaseError, JoseError, KeyError, TypeError, ValueError) as error:
            raise _refused(f"{type(error).__name__}") from error

    def _claims(self, client: Any, code: str, handshake: Handshake, now_s: int) -> dict[str, Any]:
        metadata = self._discover(client)
        token = client.fetch_token(
            metadata["token_endpoint"],
            grant_type="authorization_code",
            code=code,
            code_verifier=handshake.code_verifier,
        )
        key_set: Any = _json(client.request("GET", metadata["jwks_uri"], withhold_token=True))
        keys = KeySet.import_key_set(key_set)
        signed = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS)
        id_token = CodeIDToken(
            signed.claims,
            signed.header,
            options={
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self._client_id},
            },
            params={
                "nonce": handshake.nonce,
                "client_id": self._client_id,
                "access_token": token.get("access_token"),
            },
        )
        id_token.validate(now=now_s, leeway=CLOCK_SKEW_S)
        claims = dict(id_token)
        if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= MAX_SUBJECT_LENGTH:
            raise ValueError("the subject is no text of a sensible length")
        wanted = {"name", "email", "email_verified", self.groups_claim}
        if wanted <= claims.keys() or "userinfo_endpoint" not in metadata:
            return claims
        info = _json(client.get(metadata["userinfo_endpoint"]))
        if info.get("sub") != claims["sub"]:
            raise ValueError("the user info is about somebody else")
        return {name: info[name] for name in wanted & info.keys()} | claims

    def _client(self) -> Any:
        return OAuth2Client(
            client_id=self._client_id,
            client_secret=self._client_secret or None,
            token_endpoint_auth_method=self._authentication(),
            redirect_uri=self._redirect_uri,
            scope=" ".join(self._scopes()),
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
        )

    def _authentication(self) -> str:
        if not self._client_secret:
            return "none"
        # the default of Discovery 1.0 where the provider does not say
        known = self._metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"

    def _scopes(self) -> tuple[str, ...]:
        return (*SCOPES, "groups") if "groups" in self._metadata.get("scopes_supported", ()) else SCOPES

    def _discover(self, client: Any) -> dict[str, Any]:
        if time.monotonic() < self._metadata_until:
            return self._metadata
        try:
            address = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = _json(client.request("GET", address, withhold_token=True))
        except (httpx2.HTTPError, ValueError) as error:
            raise _unavailable(error) from error
        if found.get("issuer") != self.issuer:
            raise _unavailable(ValueError("the discovery document is another issuer's"))
        self._metadata, self._metadata_until = found, time.monotonic() + METADATA_LIFETIME_S
        client.token_endpoint_auth_method, client.scope = self._authentication(), " ".join(self._scopes())
        return found


def _json(response: httpx2.Response) -> dict[str, Any]:
    body = response.raise_for_status().json()
    if not isinstance(body, dict):
        raise ValueError("the provider's answer is no JSON object")
    return body


def _refused(why: str) -> Unauthorized:
    logger.warning("a single sign-on was refused: %s", why)
    return Unauthorized("single_sign_on_refused", "Single sign-on did not work this time: begin again.")


def _unavailable(error: Exception) -> Unavailable:
    logger.warning("the single sign-on provider cannot be asked: %s", type(error).__name__)
    return Unavailable(
        "single_sign_on_unavailable", "The single sign-on provider cannot be reached: try again in a moment."
    )
