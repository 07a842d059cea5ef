"""The server that ``floorwire watch`` reads from: where, with which key, and why not."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Final
from urllib.parse import SplitResult, urlunsplit

from picows import WSError, WSHandshakeError, WSListener, WSTransport, ws_connect

from floorwire.cli import credential
from floorwire.cli.address import check_private
from floorwire.cli.admin_client import NOT_ALLOWED, UNREACHED, UNUSABLE
from floorwire.core.os_errors import reason

KEY_STATUSES: Final = frozenset({401, 403, 429})
BUSY_STATUS: Final = 503


class WatchError(Exception):
    """Watching makes no sense any more; ``exit_code`` tells scripts why."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class PriceServer:
    """Where to connect, and the key to show there. Raises AddressError, CredentialError and WatchError."""

    def __init__(self, parts: SplitResult, key_file: str | None, ca: str | None) -> None:
        self.url = urlunsplit(parts)
        self._parts = parts
        self._key_file = key_file
        self._ssl = _trust(ca) if parts.scheme == "wss" else None
        self._key = ""
        self.has_key = False
        if key_file is not None or credential.VARIABLE in os.environ:
            self.use_key()

    def use_key(self) -> None:
        """Show the key from now on."""
        check_private(self._parts)
        self._key = credential.find(self._key_file, os.environ)
        self.has_key = True

    async def connect(self, watcher: WSListener) -> WSTransport:
        """Return a connection that the watcher reads. Raises OSError, WSError."""
        headers = {"Authorization": f"Bearer {self._key}"} if self.has_key else {}
        transport, _ = await ws_connect(
            lambda: watcher, self.url, ssl_context=self._ssl, extra_headers=headers, max_redirects=0
        )
        return transport


def _trust(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca is None else os.path.expanduser(ca))
    except OSError as error:
        raise WatchError(f"--ca: {ca}: {reason(error)}", UNUSABLE) from None


def is_refusal(error: OSError | WSError) -> bool:
    """Return whether the server answered, and will answer the same the next time."""
    status = _status(error)
    return status is not None and 400 <= status < 500


def _status(error: OSError | WSError) -> int | None:
    response = error.response if isinstance(error, WSHandshakeError) else None
    return None if response is None else int(response.status)


def unreached(server: PriceServer, error: OSError | WSError) -> WatchError:
    status = _status(error)
    if status in KEY_STATUSES:
        why = {
            401: "the key is not good",
            403: "the server refuses this: the path is wrong, or the key may not be used from this address",
            429: "too many wrong keys",
        }
        return WatchError(f"{server.url}: {why[status]} ({status})", NOT_ALLOWED)
    if status is not None:
        hint = "; try again" if status == BUSY_STATUS else "; the path is /ws"
        return WatchError(f"{server.url} answers with HTTP {status}{hint}", UNREACHED)
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "signed by itself, or by an authority of your own? Then name that: --ca cert.pem"
        return WatchError(
            f"{server.url}: its certificate is not trusted: {error.verify_message}; {hint}", UNREACHED
        )
    if isinstance(error, socket.gaierror):
        return WatchError(f"{server.url}: there is no such host ({error.strerror})", UNREACHED)
    return WatchError(
        f"{server.url} cannot be reached: {reason(error)}. Is the server running at this address?", UNREACHED
    )
