"""Settings of who may connect: TLS, web pages and proxies, sign-in."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from floorwire.core.authorization import Scope


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """TLS without a proxy. Both files are read again when they change."""

    cert: Annotated[str | None, Meta(description="PEM file with the certificate and its chain")] = None
    key: Annotated[str | None, Meta(description="PEM file with the certificate's key")] = None


class DoorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which web pages and proxies are trusted."""

    origins: Annotated[
        tuple[str, ...],
        Meta(description="web pages that may connect besides our own, such as https://desk.example"),
    ] = ()
    behind_proxy: Annotated[bool, Meta(description="a proxy in front of us does TLS")] = False
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="addresses and networks whose X-Forwarded-For header is believed"),
    ] = ()


class JwtSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tokens (JWT) sign in. None do until the issuer, the audience and a key or secret are set."""

    issuer: Annotated[str | None, Meta(description="what a token's iss has to be")] = None
    audience: Annotated[str | None, Meta(description="what a token's aud has to name")] = None
    jwks: Annotated[
        str | None,
        Meta(
            description="file or https URL with the public keys (JWKS) for RS256 and ES256, read each minute"
        ),
    ] = None
    secret_file: Annotated[
        str | None, Meta(description="file, readable by its owner alone, with the shared secret for HS256")
    ] = None
    scopes: Annotated[
        tuple[Scope, ...], Meta(min_length=1, description="the most that a token may grant")
    ] = (Scope.MARKET, Scope.ACCOUNT, Scope.TRADE)


class AuthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who must sign in, and how."""

    market: Annotated[
        Literal["auto", "open", "key"],
        Meta(description="market data for everybody, or with a key; auto: open on loopback"),
    ] = "auto"
    jwt: JwtSettings = JwtSettings()
