"""One WebSocket of picows. This module imports picows, so it is imported by the first connection."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Final

from picows import (
    WSError,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

from floorwire.client.link_fault import link_fault
from floorwire.client.transport import HandshakeRefusedError, Link, Receiver
from floorwire.core.codes import CloseCode

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
READ_BYTES: Final = 64 * 1024
"""So much is read at once: a busy stream costs fewer calls of the system."""


class PicowsLink(WSListener):
    """Puts messages together, and hands them to the receiver in the call that read them."""

    def __init__(self, receiver: Receiver, kind: WSMsgType) -> None:
        self._receiver = receiver
        self._kind = kind
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        """Of a message in several frames."""
        self._close: tuple[int, str] = (CloseCode.ABNORMAL, "")
        self._on_message: Callable[[bytes], None] = receiver.on_message

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame. picows answers pings by itself."""
        kind = frame.msg_type
        if kind is self._kind and frame.fin:
            self._on_message(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            self._close = (int(_number(frame)), frame.get_close_reason() or "")
            if not transport.is_disconnected:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
                transport.disconnect()
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._add(frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Tell the end."""
        if self._transport is not None:  # not ended by us
            self._transport = None
            self._receiver.on_closed(*self._close)

    def send(self, data: bytes) -> None:
        """Send a message. Does nothing when the connection has ended."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send(self._kind, data)

    def close(self) -> None:
        """Close it in order."""
        transport, self._transport = self._transport, None
        self._on_message = _ignore
        if transport is not None:
            transport.send_close()
            transport.disconnect()

    def abort(self) -> None:
        """End it at once."""
        transport, self._transport = self._transport, None
        self._on_message = _ignore
        if transport is not None:
            transport.disconnect(graceful=False)

    def _add(self, frame: WSFrame) -> None:
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > MAX_MESSAGE_BYTES:
            self.abort()
            self._receiver.on_closed(CloseCode.MESSAGE_TOO_BIG, "the message is too large")
        elif frame.fin:
            message, self._parts = b"".join(self._parts), []
            self._on_message(message)


def _ignore(_: bytes) -> None:
    """Nothing comes after ``close`` and ``abort``."""


def _number(frame: WSFrame) -> int:
    payload = frame.get_payload_as_bytes()
    return int.from_bytes(payload[:2], "big") if len(payload) >= 2 else CloseCode.NO_STATUS


async def connect(
    url: str,
    headers: Mapping[str, str],
    tls: ssl.SSLContext | None,
    proxy: str | None,
    binary: bool,
    receiver: Receiver,
) -> Link:
    """Open a connection. Raises HandshakeRefusedError."""
    link = PicowsLink(receiver, WSMsgType.BINARY if binary else WSMsgType.TEXT)
    try:
        await ws_connect(
            lambda: link,
            url,
            ssl_context=tls,
            extra_headers=dict(headers),
            max_redirects=0,
            max_frame_size=MAX_MESSAGE_BYTES,
            read_buffer_init_size=READ_BYTES,
            proxy=proxy,
        )
    except WSHandshakeError as error:
        answer = error.response
        if answer is None:
            raise HandshakeRefusedError(0, str(error)) from None
        status = int(answer.status)
        raise HandshakeRefusedError(status, _refusal(status), answer.headers.get("Retry-After")) from None
    except OSError as error:
        raise HandshakeRefusedError(0, link_fault(error)) from None
    except WSError as error:
        raise HandshakeRefusedError(0, str(error)) from None
    return link


def _refusal(status: int) -> str:
    why = {
        401: "the key is not good",
        403: "the server refuses this: the key may not be used from this address, or the host is not its own",
        404: "there is no gateway at this path",
        429: "too many wrong keys from this address",
        503: "the server is busy or shuts down",
    }
    return why.get(status, f"the server answers with HTTP {status}")
