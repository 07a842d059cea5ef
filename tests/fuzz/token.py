"""Fuzzes tokens (JWT): whole texts, and claims that the issuer signs whatever they are."""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

from floorwire.auth.grant import ACCOUNT, Grant
from floorwire.auth.jwt_tokens import BadTokenError
from tests.auth import issuer, parts
from tests.fuzz.credentials import TOKENS

SIGN: Final = b"\n"
"""Before it stands a header, after it are claims: they are signed with the issuer's secret."""
HEADER: Final = b'{"alg":"HS256","typ":"JWT"}'
MOST_REASON: Final = 5_000


class Token:
    """A token, or the header and the claims of one that is signed."""

    name = "token"
    max_bytes = 4_200

    def seeds(self) -> Sequence[bytes]:
        """Return tokens and claims, good and bad."""
        right = issuer.claims()
        changes: list[dict[str, object]] = [
            {}, {"aud": ["x", "floorwire"]}, {"exp": 1}, {"nbf": issuer.NOW_S + 31}, {"iss": "https://other.example"},
            {"scope": "market admin"}, {"account": "bob", "accounts": ["bob"]}, {"max_notional": "1.5"},
            {"symbols": ["BTC-USDT"]}, {"sub": "a/b"}, {"exp": 1e300}, {"iat": -1},
        ]  # fmt: skip
        claims = [HEADER + SIGN + json.dumps({**right, **change}).encode() for change in changes]
        none = b'{"alg":"none"}' + SIGN + json.dumps(right).encode()
        return [
            *claims,
            none,
            b'{"alg":"RS256","kid":"r"}' + SIGN + b"{}",
            issuer.signed().encode(),
            b"a.b.c",
            b"..",
        ]

    def words(self) -> Sequence[bytes]:
        """Return the names of headers and claims, and what they may be."""
        texts = [
            *issuer.claims(),
            "nbf",
            "iat",
            "account",
            "accounts",
            "symbols",
            "max_notional",
            "alg",
            "kid",
            "crit",
        ]
        texts += [
            "HS256",
            "RS256",
            "ES256",
            "none",
            "https://issuer.example",
            "floorwire",
            "market trade",
            "b64",
        ]
        return (
            *(json.dumps(text).encode() for text in texts),
            b"1e999",
            b"9" * 20,
            b"null",
            b"[",
            b"eyJ",
            b"..",
            b"\n{",
        )

    def close(self) -> None:
        """Nothing is held."""

    def run(self, data: bytes) -> None:
        """Require BadTokenError, or a grant within what the issuer may give, for signed claims only."""
        header, is_signed, claims = data.partition(SIGN)
        text = _signed(header, claims) if is_signed else data.decode("latin-1")
        try:
            key, grant = TOKENS.verify(text, parts.NOW)
        except BadTokenError as error:
            reason = str(error)
        else:
            self._require_grant(text, key, grant, is_signed=bool(is_signed))
            return
        assert len(reason) < MOST_REASON, len(reason)

    def _require_grant(self, text: str, key: str, grant: Grant, *, is_signed: bool) -> None:
        signed, _, signature = text.rpartition(".")
        assert signature, text
        assert is_signed or signed == issuer.signed().rpartition(".")[0], "a token that nobody signed"
        assert set(grant.scopes) <= issuer.ISSUER.scopes, grant
        assert ACCOUNT.fullmatch(grant.account), grant
        assert grant.expires_us is not None
        assert grant.expires_us > parts.NOW, grant
        assert re.match(r"jwt:.", key, re.DOTALL), key
        grant.principal(key)


def _signed(header: bytes, claims: bytes) -> str:
    said = f"{_segment(header)}.{_segment(claims)}"
    return f"{said}.{_segment(hmac.digest(issuer.SHARED, said.encode(), 'sha256'))}"


def _segment(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
