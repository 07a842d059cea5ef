"""Fuzzes login requests and Authorization headers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import UNSET

from floorwire.auth.sign_in import SignIn
from floorwire.core.authorization import Principal
from floorwire.core.refusal import Refusal
from floorwire.protocol.codec import JSON, BadRequestError
from floorwire.protocol.requests import Login
from tests.auth import issuer, parts
from tests.fuzz.credentials import AT, KEY, SIGNATURE, new_sign_in, require_key, require_refusal


class LoginRequest:
    """A login in JSON. What is not JSON is taken for the text of a bearer."""

    name = "login"
    max_bytes = 4_200

    def seeds(self) -> Sequence[bytes]:
        """Return logins that are right, late and wrong."""
        good = {"action": "login", "key": KEY, "ts": parts.NOW, "signature": SIGNATURE}
        return [
            msgspec.json.encode(good),
            msgspec.json.encode({**good, "signature": SIGNATURE.upper()}),
            msgspec.json.encode({**good, "ts": parts.NOW + 31 * parts.S}),
            msgspec.json.encode({**good, "signature": "0" * 64}),
            msgspec.json.encode({"action": "login", "token": issuer.signed()}),
            msgspec.json.encode({"action": "login", "token": "a.b.c", "id": "é"}),
            f"{KEY}.{parts.SECRET}".encode(),
            f"{KEY}.".encode(),
            issuer.signed().encode(),
        ]

    def words(self) -> Sequence[bytes]:
        """Return the parts of logins."""
        texts = ("action", "login", "key", "ts", "signature", "token", "id", KEY, SIGNATURE, parts.SECRET)
        return (
            *(text.encode() for text in texts),
            str(parts.NOW).encode(),
            b"\\u0000",
            b"\\ud83d",
            b'":"',
            b"..",
        )

    def close(self) -> None:
        """Nothing is held."""

    def run(self, data: bytes) -> None:
        """Require a refusal, or the proof. A signature is good once."""
        sign_in = new_sign_in()
        try:
            request = JSON.request(data, binary=False)
        except BadRequestError:
            self._bearer(sign_in, data.decode("latin-1"))
            return
        if not isinstance(request, Login):
            return
        if request.token is not UNSET:
            self._token(sign_in, request.token)
        if request.key is not UNSET and request.ts is not UNSET and request.signature is not UNSET:
            self._signed(sign_in, request.key, request.ts, request.signature)

    def _signed(self, sign_in: SignIn, key: str, ts_us: int, signature: str) -> None:
        prove = partial(sign_in.verify_signed_login, key, ts_us, signature, parts.HERE, AT)
        try:
            principal = prove()
        except Refusal as refusal:
            require_refusal(refusal)
            return
        require_key(principal)
        assert (key, ts_us, signature.lower()) == (KEY, parts.NOW, SIGNATURE)
        try:
            prove()
        except Refusal as refusal:
            require_refusal(refusal)
        else:
            raise AssertionError("a login was good twice")

    def _token(self, sign_in: SignIn, token: str) -> None:
        try:
            principal = sign_in.verify_token(token, parts.HERE, AT)
        except Refusal as refusal:
            require_refusal(refusal)
            return
        _require_subject(principal)

    def _bearer(self, sign_in: SignIn, text: str) -> None:
        try:
            principal = sign_in.verify_bearer(text, parts.HERE, AT)
        except Refusal as refusal:
            require_refusal(refusal)
            return
        if text.count(".") == 2:
            _require_subject(principal)
        else:
            require_key(principal)
            assert text == f"{KEY}.{parts.SECRET}", text


def _require_subject(principal: Principal) -> None:
    assert (principal.key, principal.account) == ("jwt:alice", "alice"), principal
