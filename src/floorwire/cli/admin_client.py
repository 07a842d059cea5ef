"""A client of a running server's HTTP API, for the commands of operators."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Annotated, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlencode

import msgspec
import typer

from floorwire.cli import credential
from floorwire.cli.address import AddressError, check_private, local_url, split
from floorwire.cli.credential import CredentialError
from floorwire.cli.output import echo
from floorwire.core.os_errors import reason
from floorwire.core.printable import printable
from floorwire.ops.answer_deadline import answered_within

TIMEOUT_S = 10.0
ANSWER_S = 20.0
"""How long the whole answer may take, however its bytes come."""
MAX_BYTES = 1 << 20

REFUSED = 1
UNUSABLE = 2
UNREACHED = 3
NOT_ALLOWED = 4
NOT_ALLOWED_STATUS = (401, 403)
BROKEN = "broken"
"""The state of a journal that the server cannot write."""

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
LOCAL_SERVER = ""
"""No address was given: the command uses the server on this machine."""


class AdminClientError(Exception):
    """The server refused or did not answer. ``exit_code`` is the exit code of the command."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class _Problem(msgspec.Struct):
    """The fields of an error reply that are printed."""

    code: str
    message: str


class _Key(msgspec.Struct, frozen=True):
    key: str
    account: str


class _Keys(msgspec.Struct, frozen=True):
    keys: list[_Key]


class AdminClient:
    """Sends requests to one server with one key.

    It follows no redirect and uses no proxy, so that only this server gets the key.
    """

    def __init__(self, url: str, key: str, ca: str | None) -> None:
        """Raises AdminClientError for a bad address or certificate, or a link that shows the key."""
        self._url = url.rstrip("/")
        parts = _split(self._url)
        self._prefix = parts.path
        self._key = key
        self._connection = _connection(parts, ca)

    def request(
        self,
        method: str,
        path: str,
        kind: type[AnswerT],
        query: Mapping[str, str] | None = None,
        body: object | None = None,
    ) -> AnswerT:
        """Send a request and return the reply, decoded as ``kind``. Raises AdminClientError."""
        target = f"{self._prefix}/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        status, data = self._exchange(method, target, None if body is None else msgspec.json.encode(body))
        try:
            if status < 300:
                return msgspec.json.decode(data, type=kind)
            problem = msgspec.json.decode(data, type=_Problem)
        except msgspec.MsgspecError:
            raise AdminClientError(
                f"{self._url} answers {status}, and not as Floorwire does", UNREACHED
            ) from None
        raise _refusal(problem, status)

    def _exchange(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        try:
            self._connection.connect()
        except (OSError, HTTPException) as error:
            raise AdminClientError(self._unreached(error), UNREACHED) from None
        try:
            with answered_within(self._connection, ANSWER_S):
                self._connection.request(method, target, body, headers)
                answer = self._connection.getresponse()
                data = answer.read(MAX_BYTES)
            return answer.status, data
        except (OSError, HTTPException) as error:
            lost = reason(error) or type(error).__name__
            doubt = "" if method == "GET" else "; it may have been done or not: look with `floorwire halts`"
            raise AdminClientError(f"{self._url} did not answer: {lost}{doubt}", UNREACHED) from None
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
        return f"{self._url} cannot be reached: {reason(error)}. Is the server running at this address?"


@contextmanager
def admin_client(url: str, key_file: str | None, ca: str | None) -> Iterator[AdminClient]:
    """Yield a client. On an error print one sentence and exit with its code."""
    try:
        yield AdminClient(url or local_url("http"), credential.find(key_file, os.environ), ca)
    except (AddressError, CredentialError) as error:
        _fail(str(error), UNUSABLE)
    except AdminClientError as error:
        _fail(str(error), error.exit_code)


def _fail(message: str, exit_code: int) -> None:
    echo(f"floorwire: {message}", err=True)
    raise typer.Exit(exit_code) from None


def _split(url: str) -> SplitResult:
    try:
        parts = split(url, ("http", "https"))
        check_private(parts)
    except AddressError as error:
        raise AdminClientError(str(error), UNUSABLE) from None
    return parts


def _connection(parts: SplitResult, ca: str | None) -> HTTPConnection:
    assert parts.hostname is not None
    if parts.scheme == "http":
        return HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    try:
        context = ssl.create_default_context(cafile=None if ca is None else os.path.expanduser(ca))
    except OSError as error:
        raise AdminClientError(f"--ca: {ca}: {reason(error)}", UNUSABLE) from None
    return HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT_S, context=context)


def _refusal(problem: _Problem, status: int) -> AdminClientError:
    reason = printable(f"{problem.code}: {problem.message}")
    if status in NOT_ALLOWED_STATUS:
        hint = "the key needs the scope admin, for this account and this symbol"
        return AdminClientError(f"{reason}; {hint}", NOT_ALLOWED)
    return AdminClientError(reason, REFUSED)


def warn_journal_broken(journal: str, in_doubt: Sequence[str] = ()) -> None:
    """Warn where the server's journal is broken, and name the changes that may or may not be made."""
    if journal != BROKEN:
        return
    echo(
        "warning: the server cannot write its journal: this is what stood when that failed, orders are "
        "refused, and nothing can be changed until it can",
        err=True,
    )
    if in_doubt:
        echo(f"warning: changed as it failed, and not certain: {', '.join(in_doubt)}", err=True)


def warn_unknown_key(client: AdminClient, account: str = "", key: str = "") -> None:
    """Warn where no key fits the account and the key: an operator may have mistyped a name."""
    keys = client.request("GET", "/keys", _Keys).keys
    if any((not account or one.account == account) and (not key or one.key == key) for one in keys):
        return
    which = " ".join(part for part in (key, f"of the account {account}" if account else "") if part)
    echo(f"warning: there is no key {which}; is the name right?", err=True)
