"""A remote: the HTTP API of a running server, as commands for operators ask it."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Annotated, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlencode

import msgspec
import typer

from floorwire.cli import credential
from floorwire.cli.address import AddressError, check_private, here, split
from floorwire.cli.credential import CredentialError

TIMEOUT_S = 10.0
MAX_BYTES = 1 << 20

REFUSED = 1
UNUSABLE = 2
UNREACHED = 3
NOT_ALLOWED = 4
NOT_ALLOWED_STATUS = (401, 403)

AnswerT = TypeVar("AnswerT")
Url: TypeAlias = Annotated[
    str,
    typer.Option(
        envvar="FLOORWIRE_URL",
        help="The running server.",
        show_default="http://127.0.0.1:8000, or FLOORWIRE_PORT's port",
    ),
]
KeyFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        envvar="FLOORWIRE_KEY_FILE",
        help=f"File with an admin's key; else FLOORWIRE_KEY, else {credential.DEFAULT_FILE}.",
    ),
]
Ca: TypeAlias = Annotated[
    str | None,
    typer.Option(envvar="FLOORWIRE_CA", help="PEM file with the certificate that the server's is signed by."),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
HERE = ""
"""No address was given: this machine's server is meant."""


class RemoteError(Exception):
    """The server did not do it, or nobody knows; ``exit_code`` tells scripts which."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class _Problem(msgspec.Struct):
    """As much of an error as people need."""

    code: str
    message: str


class AdminClient:
    """One server, asked with one key; no redirect is followed, no proxy used: nobody else sees the key."""

    def __init__(self, url: str, key: str, ca: str | None) -> None:
        """Raises RemoteError where address or certificate cannot be used, or the key would be seen."""
        self._url = url.rstrip("/")
        parts = _split(self._url)
        self._prefix = parts.path
        self._key = key
        self._connection = _connection(parts, ca)

    def ask(
        self,
        method: str,
        path: str,
        kind: type[AnswerT],
        query: Mapping[str, str] | None = None,
        body: object | None = None,
    ) -> AnswerT:
        """Return the server's answer. Raises RemoteError."""
        target = f"{self._prefix}/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        status, data = self._exchange(method, target, None if body is None else msgspec.json.encode(body))
        try:
            if status < 300:
                return msgspec.json.decode(data, type=kind)
            problem = msgspec.json.decode(data, type=_Problem)
        except msgspec.MsgspecError:
            raise RemoteError(f"{self._url} answers {status}, and not as Floorwire does", UNREACHED) from None
        raise _refusal(problem, status)

    def _exchange(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        try:
            self._connection.connect()
        except (OSError, HTTPException) as error:
            raise RemoteError(self._unreached(error), UNREACHED) from None
        try:
            self._connection.request(method, target, body, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read(MAX_BYTES)
        except (OSError, HTTPException) as error:
            lost = str(error) or type(error).__name__
            doubt = "" if method == "GET" else "; it may have been done or not: look with `floorwire halts`"
            raise RemoteError(f"{self._url} did not answer: {lost}{doubt}", UNREACHED) from None
        finally:
            self._connection.close()

    def _unreached(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"{self._url}: its certificate is not trusted: {error.verify_message}.\n"
                "  Is it signed by itself, or by an authority of your own? Then name that: --ca cert.pem"
            )
        if isinstance(error, ssl.SSLError):
            return f"{self._url} does not speak TLS as we do ({error.reason}); is it http://?"
        return f"{self._url} cannot be reached: {error}. Does the server run, and there?"


@contextmanager
def admin_client(url: str, key_file: str | None, ca: str | None) -> Iterator[AdminClient]:
    """Yield the server; say in a sentence what could not be done, and end with the code for it."""
    try:
        yield AdminClient(url or here("http"), credential.find(key_file, os.environ), ca)
    except (AddressError, CredentialError) as error:
        _fail(str(error), UNUSABLE)
    except RemoteError as error:
        _fail(str(error), error.exit_code)


def _fail(message: str, exit_code: int) -> None:
    typer.echo(f"floorwire: {message}", err=True)
    raise typer.Exit(exit_code) from None


def _split(url: str) -> SplitResult:
    try:
        parts = split(url, ("http", "https"))
        check_private(parts)
    except AddressError as error:
        raise RemoteError(str(error), UNUSABLE) from None
    return parts


def _connection(parts: SplitResult, ca: str | None) -> HTTPConnection:
    assert parts.hostname is not None
    if parts.scheme == "http":
        return HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    try:
        context = ssl.create_default_context(cafile=None if ca is None else os.path.expanduser(ca))
    except OSError as error:
        raise RemoteError(f"--ca: {ca}: {error}", UNUSABLE) from None
    return HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT_S, context=context)


def _refusal(problem: _Problem, status: int) -> RemoteError:
    if status in NOT_ALLOWED_STATUS:
        hint = "the key needs the scope admin, and to be narrowed to nothing that this is beyond"
        return RemoteError(f"{problem.code}: {problem.message}; {hint}", NOT_ALLOWED)
    return RemoteError(f"{problem.code}: {problem.message}", REFUSED)
