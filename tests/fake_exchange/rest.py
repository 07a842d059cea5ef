"""One HTTP request of any face, with the faults of requests."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from tests.fake_exchange.faults import Faults, RequestFault


@dataclass(frozen=True)
class RestAnswer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


# What a network in front of an exchange answers for it.
UNAVAILABLE = RestAnswer(
    502, b"<html><head><title>502 Bad Gateway</title></head></html>", {"Content-Type": "text/html"}
)
GARBAGE = b'[{"\xff\x00'

# The body is the text as it came. The face says in its own words what the other faults mean.
Answering = Callable[[Request, str, RequestFault | None], RestAnswer]


async def serve_rest(scope: Scope, receive: Receive, send: Send, faults: Faults, answer: Answering) -> None:
    request = Request(scope, receive)
    body = (await request.body()).decode()
    fault = faults.take_request(request.url.path)
    if fault is RequestFault.LOSE_BEFORE:
        return await reset(send)
    answered = UNAVAILABLE if fault is RequestFault.UNAVAILABLE else answer(request, body, fault)
    if fault is RequestFault.GARBAGE:
        answered = RestAnswer(200, GARBAGE, answered.headers)
    if faults.answer_delay_s:
        await asyncio.sleep(faults.answer_delay_s)
    if fault is RequestFault.LOSE_AFTER:
        return await reset(send)
    headers = {"Content-Type": "application/json", **answered.headers}
    headers["Content-Length"] = str(len(answered.body))
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answered.status, "headers": pairs})
    if fault is RequestFault.CUT_ANSWER:
        half = answered.body[: len(answered.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        return await reset(send)
    await send({"type": "http.response.body", "body": answered.body})


async def reset(send: Send) -> None:
    """End the connection at once."""
    _transport(send).abort()
    await asyncio.sleep(0.01)  # until uvicorn knows that the client is gone


async def break_off(send: Send, text: str) -> None:
    """End a WebSocket in the middle of a text frame."""
    payload = text.encode()
    # RFC 6455 5.2: one frame of text, not masked. A length has as few bytes as it needs.
    size = len(payload)
    head = b"\x81\x7f" + size.to_bytes(8, "big")
    if size < 65_536:
        head = b"\x81" + (bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big"))
    _transport(send).write(head + payload[: len(payload) // 2])
    _transport(send).close()
    await asyncio.sleep(0.01)  # until uvicorn knows that the client is gone


def _transport(send: Send) -> asyncio.Transport:
    """uvicorn has the transport at the object whose method `send` is."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    assert isinstance(transport, asyncio.Transport)
    return transport
