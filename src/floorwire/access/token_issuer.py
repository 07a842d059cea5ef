"""The token issuer's public keys, read from a file or over HTTPS again each minute."""

from __future__ import annotations

import asyncio
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import structlog

from floorwire.auth.client_address import is_loopback
from floorwire.auth.jwt_tokens import Issuer, TokenKeysError, Tokens
from floorwire.config import JwtSettings, SettingsError
from floorwire.ops.answer_deadline import answered_within
from floorwire.storage.private_files import read_start

REFRESH_S = 60.0
TIMEOUT_S = 10.0
ANSWER_S = 20.0
"""How long the whole answer may take."""
MAX_BYTES = 1_048_576

log = structlog.get_logger("floorwire.issuer")


class TokenIssuer:
    """Keeps the issuer's keys in ``tokens``. Raises SettingsError if the settings cannot work."""

    def __init__(self, jwt: JwtSettings, issuer: str, audience: str, secret: bytes | None) -> None:
        self.tokens = Tokens(Issuer(issuer, audience, frozenset(jwt.scopes)))
        self._source = jwt.jwks
        if secret is None and jwt.jwks is None:
            raise SettingsError(
                "auth.jwt: give jwks or secret_file, or there is nothing to check tokens with"
            )
        try:
            if secret is not None:
                self.tokens.trust_secret(secret)
            if jwt.jwks is not None and not _is_url(jwt.jwks):
                self.refresh()
        except (OSError, TokenKeysError) as error:
            raise SettingsError(f"auth.jwt: {error}") from None
        if jwt.jwks is not None and _is_url(jwt.jwks):
            _check(urlsplit(jwt.jwks))

    def refresh(self) -> None:
        """Read the keys now, blocking. If it raises OSError or TokenKeysError, the earlier keys stay."""
        if self._source is not None:
            self.tokens.trust_keys(_read(self._source))

    async def run(self) -> None:
        """Read the keys every REFRESH_S, in a thread, until cancelled."""
        while self._source is not None:
            try:
                await asyncio.to_thread(self.refresh)
            except (OSError, HTTPException, TokenKeysError) as error:
                log.warning("the issuer's keys could not be read; earlier ones stay", error=str(error))
            await asyncio.sleep(REFRESH_S)


def connect(jwt: JwtSettings, secret: bytes | None) -> TokenIssuer | None:
    """Return the issuer that the settings name, or None. ``secret``: the content of its secret file.

    Raises SettingsError.
    """
    if jwt.issuer is None and jwt.audience is None and jwt.jwks is None and jwt.secret_file is None:
        return None
    if jwt.issuer is None or jwt.audience is None:
        raise SettingsError("auth.jwt: give issuer and audience too: a token for others must not work here")
    return TokenIssuer(jwt, jwt.issuer, jwt.audience, secret)


def _is_url(source: str) -> bool:
    return "://" in source


def _check(url: SplitResult) -> None:
    if url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or "")):
        return
    raise SettingsError(
        "auth.jwt.jwks: a file or an https URL; whoever changes the keys on the way can sign in"
    )


def _read(source: str) -> bytes:
    if not _is_url(source):
        path = Path(source).expanduser()
        if path.is_fifo():  # To read it may last for ever, and the end of the server would wait.
            raise TokenKeysError(f"{source}: not a regular file")
        return read_start(path, MAX_BYTES)
    url = urlsplit(source)
    connection = _connection(url)
    try:
        connection.connect()
        with answered_within(connection, ANSWER_S):
            connection.request("GET", (url.path or "/") + (f"?{url.query}" if url.query else ""))
            answer = connection.getresponse()
            if answer.status != 200:  # A redirect too: only the operator may say where keys come from.
                raise TokenKeysError(f"{source}: {answer.status}")
            return answer.read(MAX_BYTES)
    finally:
        connection.close()


def _connection(url: SplitResult) -> HTTPConnection:
    assert url.hostname is not None, "checked at start"
    if url.scheme == "http":
        return HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_S)
    return HTTPSConnection(url.hostname, url.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
