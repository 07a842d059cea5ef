"""A venue whose certificate is wrong: nothing is sent, and a sentence says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from floorwire.connectors.http_requests import HttpRequests
from floorwire.connectors.network_route import NetworkRoute
from floorwire.core.ports import Open
from floorwire.core.venue_traffic import VenueTraffic
from floorwire.ops.venue_check import VenueCheck
from tests.connectors.harness import connected
from tests.connectors.hostile_certificates import GOOD, contexts
from tests.connectors.local_venue import answering, http, tcp_venue, websocket_venue

REFUSED = (
    ("expired", "TLS: certificate has expired"),
    ("not yet", "TLS: certificate is not yet valid"),
    ("other host", "TLS: IP address mismatch"),
    ("self-signed", "TLS: self-signed certificate"),
    ("huge chain", "TLS: EXCESSIVE_MESSAGE_SIZE"),
)


async def greet(peer: ServerConnection) -> None:
    await peer.send("hello")
    await peer.wait_closed()


@pytest.mark.parametrize(("kind", "reason"), REFUSED)
async def test_links_and_requests_are_refused_with_the_reason(kind: str, reason: str, tmp_path: Path) -> None:
    server, client = contexts(tmp_path, kind)
    route = NetworkRoute(proxies={}, tls=client)
    async with websocket_venue(greet, server) as url, connected(route) as inputs:
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(inputs.reasons)
        assert inputs.reasons()[0].startswith(reason)
        assert inputs.frames() == []
    requests = HttpRequests(route)
    async with tcp_venue(answering(http("200 OK", b"{}")), server) as port:
        got = await requests.send(f"https://127.0.0.1:{port}/", 20)
    await requests.close()
    assert got.status == 0
    assert got.reason.startswith(reason)
    traffic = VenueTraffic()
    traffic.answered(got.status, got.reason)
    assert f"1 requests failed: no answer ({got.reason})" in VenueCheck().failures(traffic)


async def test_a_right_one_is_taken(tmp_path: Path) -> None:
    server, client = contexts(tmp_path, GOOD)
    route = NetworkRoute(proxies={}, tls=client)
    async with websocket_venue(greet, server) as url, connected(route) as inputs:
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(inputs.frames)
    requests = HttpRequests(route)
    async with tcp_venue(answering(http("200 OK", b"{}")), server) as port:
        assert (await requests.send(f"https://127.0.0.1:{port}/", 20)).status == 200
    await requests.close()
