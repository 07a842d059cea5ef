"""The server that ``floorwire watch`` reads from: where, with which key, and why not."""

from __future__ import annotations

import socket
import ssl
from typing import Final
from urllib.parse import urlunsplit

from picows import WSError, WSHandshakeError, WSListener, WSTransport, ws_connect

from floorwire.cli.address import check_private, websocket
from floorwire.cli.chosen_server import ChosenServer
from floorwire.cli.command_error import CommandError
from floorwire.cli.exit_codes import ExitCode
from floorwire.core.os_errors import reason

KEY_STATUSES: Final = frozenset({401, 403, 429})
BUSY_STATUS: Final = 503


class PriceServer:
    """Where to connect, and the key to show there. Raises AddressError and CommandError."""

    def __init__(self, server: ChosenServer) -> None:
        self._server = server
        self._parts = websocket(server.url)
        self.url = urlunsplit(self._parts)
        self._ssl = server.tls() if self._parts.scheme == "wss" else None
        self._key = ""
        self.has_key = False
        if server.has_key:
            self.use_key()

    def use_key(self) -> None:
        """Show the key from now on."""
        check_private(self._parts)
        self._key = self._server.key()
        self.has_key = True

    async def connect(self, watcher: WSListener) -> WSTransport:
        """Return a connection that the watcher reads. Raises OSError, WSError."""
        headers = {"Authorization": f"Bearer {self._key}"} if self.has_key else {}
        transport, _ = await ws_connect(
            lambda: watcher, self.url, ssl_context=self._ssl, extra_headers=headers, max_redirects=0
        )
        return transport


def is_refusal(error: OSError | WSError) -> bool:
    """Return whether the server answered, and will answer the same the next time."""
    status = _status(error)
    return status is not None and 400 <= status < 500


def _status(error: OSError | WSError) -> int | None:
    response = error.response if isinstance(error, WSHandshakeError) else None
    return None if response is None else int(response.status)


def unreached(server: PriceServer, error: OSError | WSError) -> CommandError:
    status = _status(error)
    if status in KEY_STATUSES:
        why = {
            401: "the key is not good",
            403: "the server refuses this: the path is wrong, or the key may not be used from this address",
            429: "too many wrong keys",
        }
        return CommandError(f"{server.url}: {why[status]} ({status})", ExitCode.NOT_ALLOWED)
    if status is not None:
        hint = "; try again" if status == BUSY_STATUS else "; the path is /ws"
        return CommandError(f"{server.url} answers with HTTP {status}{hint}", ExitCode.UNREACHED)
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "signed by itself, or by an authority of your own? Then name that: --ca cert.pem"
        return CommandError(
            f"{server.url}: its certificate is not trusted: {error.verify_message}; {hint}",
            ExitCode.UNREACHED,
        )
    if isinstance(error, socket.gaierror):
        return CommandError(f"{server.url}: there is no such host ({error.strerror})", ExitCode.UNREACHED)
    return CommandError(
        f"{server.url} cannot be reached: {reason(error)}. Is the server running at this address?",
        ExitCode.UNREACHED,
    )
