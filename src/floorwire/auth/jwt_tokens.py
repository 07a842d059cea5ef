"""Verifies JWTs of an issuer that the operator trusts. The algorithm is pinned by the key.

The token's header never chooses the algorithm (RFC 8725 3.1): a secret verifies HS256 only, and a public key
the one algorithm of its kind. PyJWT verifies signatures only. The claims are checked here, by our own clock.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec
from jwt import PyJWK, PyJWKSet
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError
from msgspec import Meta

from floorwire.auth.grant import Grant, GrantError
from floorwire.core.authorization import Scope
from floorwire.protocol.distinct_fields import check_json

MAX_TOKEN = 4_096
SKEW_S = 30
"""Seconds that an issuer's clock may be ahead of ours. An expired token gets no tolerance."""
MIN_SECRET_BYTES = 32
PUBLIC = ("RS256", "ES256")

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256)]
NumericDate: TypeAlias = Annotated[float, Meta(ge=0, le=253_402_300_799)]  # RFC 7519, 2; to the year 9999


class BadTokenError(Exception):
    """The token is not valid. The reason is for the audit log, never for the client."""


class TokenKeysError(ValueError):
    """The keys that verify tokens cannot be used."""


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None


class _Subject(msgspec.Struct):
    sub: Text


class Claims(msgspec.Struct, frozen=True):
    """A token's claims (RFC 7519 4.1). ``scope``: words with spaces (RFC 8693 4.2); others as in Grant."""

    iss: Text
    sub: Text
    aud: Text | tuple[Text, ...]
    exp: NumericDate
    scope: str = Scope.MARKET.value
    nbf: NumericDate = 0
    iat: NumericDate = 0
    account: Text | None = None
    symbols: tuple[str, ...] | None = None
    accounts: tuple[str, ...] | None = None
    max_notional: str | None = None


class Issuer(msgspec.Struct, frozen=True):
    """A trusted issuer: its name (iss), our name at it (aud), and the scopes that its tokens may grant."""

    name: str
    audience: str
    scopes: frozenset[Scope]


class Tokens:
    """Verifies tokens of one issuer."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._secret: PyJWK | None = None
        self._public: Mapping[str | None, PyJWK] = {}
        self._signatures = PyJWS(options={"enforce_minimum_key_length": True})
        self._header = msgspec.json.Decoder(_Header)
        self._claims = msgspec.json.Decoder(Claims)
        self._subject = msgspec.json.Decoder(_Subject)

    def trust_secret(self, secret: bytes) -> None:
        """Accept tokens signed with HS256 and this secret. Raises TokenKeysError."""
        if len(secret) < MIN_SECRET_BYTES:
            raise TokenKeysError(f"a secret for HS256 has at least {MIN_SECRET_BYTES} bytes")
        self._secret = PyJWK({"kty": "oct", "k": urlsafe_b64encode(secret).decode()}, "HS256")

    def trust_keys(self, jwks: bytes) -> None:
        """Accept tokens signed by these public keys (RFC 7517) only. Raises TokenKeysError."""
        try:
            keys = PyJWKSet.from_json(jwks.decode()).keys
        except (PyJWTError, ValueError, AttributeError, RecursionError) as error:
            raise TokenKeysError(f"not a JWK set: {error}") from None
        public = {key.key_id: key for key in keys if _is_usable(key)}
        if not public:
            raise TokenKeysError(f"no key for {' or '.join(PUBLIC)}")
        self._public = public

    def claimed_key(self, token: str) -> str:
        """Return the key id that the token claims, whoever wrote that. "" if it claims none."""
        if len(token) > MAX_TOKEN or not token.isascii():
            return ""
        try:
            return f"jwt:{self._subject.decode(_unpadded(token.split('.')[1])).sub}"
        except (msgspec.DecodeError, ValueError, IndexError, RecursionError):
            return ""

    def verify(self, token: str, wall_us: int) -> tuple[str, Grant]:
        """Return the key id (``jwt:`` and the subject) and the grant of a token. Raises BadTokenError."""
        claims = self._signed_claims(token)
        self._check(claims, wall_us)
        try:
            return f"jwt:{claims.sub}", _grant(claims, self._issuer.scopes)
        except GrantError as error:
            raise BadTokenError(str(error)) from None

    def _signed_claims(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN or not token.isascii():
            raise BadTokenError("too long, or not ASCII")
        try:
            head = _unpadded(token.partition(".")[0])
            header = self._header.decode(head)
            check_json(head)
            key = self._key(header)
            signed: bytes = self._signatures.decode(token, key, [key.algorithm_name])
            claims = self._claims.decode(signed)
            check_json(signed)  # RFC 7519 4: names are unique
            return claims
        except (PyJWTError, ValueError, RecursionError) as error:
            raise BadTokenError(str(error)) from None

    def _key(self, header: _Header) -> PyJWK:
        if header.alg == "HS256":
            key = self._secret
        elif header.kid is None and len(self._public) == 1:
            key = next(iter(self._public.values()))
        else:
            key = self._public.get(header.kid)
        if key is None or header.alg != key.algorithm_name:
            raise BadTokenError(f"no key for {header.alg[:16]!r} with the id {(header.kid or '')[:64]!r}")
        return key

    def _check(self, claims: Claims, wall_us: int) -> None:
        now_s = wall_us / 1_000_000
        audience = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
        if claims.iss != self._issuer.name:
            raise BadTokenError(f"of another issuer: {claims.iss!r}")
        if self._issuer.audience not in audience:
            raise BadTokenError(f"for somebody else: {audience!r}")
        if not claims.sub.isprintable():
            raise BadTokenError(f"sub is not printable: {claims.sub!r}")
        if now_s >= claims.exp:
            raise BadTokenError("ended")
        if max(claims.nbf, claims.iat) > now_s + SKEW_S:
            raise BadTokenError("not valid yet")


def _grant(claims: Claims, most: frozenset[Scope]) -> Grant:
    scopes = tuple(scope for scope in Scope if scope in most and scope in claims.scope.split())
    return Grant(
        account=claims.sub if claims.account is None else claims.account,
        scopes=scopes,
        symbols=claims.symbols,
        accounts=claims.accounts,
        max_notional=claims.max_notional,
        expires_us=int(claims.exp * 1_000_000),
    )


def _is_usable(key: PyJWK) -> bool:
    return key.algorithm_name in PUBLIC and key.public_key_use in (None, "sig")


def _unpadded(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
