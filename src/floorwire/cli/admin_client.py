"""A client of a running server's HTTP API, for the commands of operators."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TypeVar
from urllib.parse import SplitResult, urlencode

import msgspec

from floorwire.cli.address import AddressError, check_private, split
from floorwire.cli.chosen_server import ChosenServer, choose
from floorwire.cli.command_error import CommandError, exit_on_error
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import echo
from floorwire.core.os_errors import reason
from floorwire.core.printable import printable
from floorwire.ops.answer_deadline import answered_within

TIMEOUT_S = 10.0
ANSWER_S = 20.0
"""How long the whole answer may take, however its bytes come."""
MAX_BYTES = 1 << 20
NOT_ALLOWED_STATUS = (401, 403)
ADMIN = "the key needs the scope admin, for this account and this symbol"
BROKEN = "broken"
"""The state of a journal that the server cannot write."""

AnswerT = TypeVar("AnswerT")


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

    def __init__(self, server: ChosenServer, key: str | None, needs: str = ADMIN) -> None:
        """``needs``: what is said of a key that may not do this.

        Raises CommandError for a bad address or certificate, or a link that shows the key.
        """
        self._url = server.url.rstrip("/")
        parts = _split(self._url, is_private=key is not None)
        self._prefix = parts.path
        self._key = key
        self._server = server
        self._needs = needs
        self._connection = _connection(parts, server)

    def request(
        self,
        method: str,
        path: str,
        kind: type[AnswerT],
        query: Mapping[str, str] | None = None,
        body: object | None = None,
    ) -> AnswerT:
        """Send a request and return the reply, decoded as ``kind``. Raises CommandError."""
        target = f"{self._prefix}/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        content = None if body is None else msgspec.json.encode(body)
        status, data = self._exchange(method, target, content, MAX_BYTES)
        if not _is_well(status):
            raise self._refusal(status, data)
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.MsgspecError:
            raise self._not_floorwire(status) from None

    def text(self, path: str, max_bytes: int) -> str:
        """Return the text at this path. Raises CommandError."""
        status, data = self._exchange("GET", self._prefix + path, None, max_bytes)
        if not _is_well(status):
            raise self._refusal(status, data)
        return data.decode(errors="replace")

    def _exchange(self, method: str, target: str, body: bytes | None, max_bytes: int) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key}"
        try:
            self._connection.connect()
        except (OSError, HTTPException) as error:
            raise CommandError(self._unreached(error), ExitCode.UNREACHED) from None
        try:
            with answered_within(self._connection, ANSWER_S):
                self._connection.request(method, target, body, headers)
                answer = self._connection.getresponse()
                data = answer.read(max_bytes)
            return answer.status, data
        except (OSError, HTTPException) as error:
            lost = reason(error) or type(error).__name__
            doubt = "" if method == "GET" else "; it may have been done or not: look with `floorwire halts`"
            raise CommandError(f"{self._url} did not answer: {lost}{doubt}", ExitCode.UNREACHED) from None
        finally:
            self._connection.close()

    def _refusal(self, status: int, data: bytes) -> CommandError:
        try:
            problem = msgspec.json.decode(data, type=_Problem)
        except msgspec.MsgspecError:
            return self._not_floorwire(status)
        said = printable(f"{problem.code}: {problem.message}")
        if status in NOT_ALLOWED_STATUS:
            refused = CommandError(f"{said}; {self._needs}", ExitCode.NOT_ALLOWED)
            return self._server.with_key_file(refused, self._key)
        return CommandError(said, ExitCode.FAILED)

    def _not_floorwire(self, status: int) -> CommandError:
        return CommandError(f"{self._url} answers {status}, and not as Floorwire does", ExitCode.UNREACHED)

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
def admin_client(
    url: str, key_file: str | None, ca: str | None, profile: str | None
) -> Iterator[AdminClient]:
    """Yield a client. On an error print one sentence and exit with its code."""
    with exit_on_error():
        server = choose(url, key_file, ca, profile)
        yield AdminClient(server, server.key())


def _is_well(status: int) -> bool:
    return 200 <= status < 300


def _split(url: str, *, is_private: bool) -> SplitResult:
    """Return the parts of the address. ``is_private``: a key is sent there."""
    try:
        parts = split(url, ("http", "https"))
        if is_private:
            check_private(parts)
    except AddressError as error:
        raise CommandError(str(error), ExitCode.UNUSABLE) from None
    return parts


def _connection(parts: SplitResult, server: ChosenServer) -> HTTPConnection:
    assert parts.hostname is not None
    if parts.scheme == "http":
        return HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    return HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT_S, context=server.tls())


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
