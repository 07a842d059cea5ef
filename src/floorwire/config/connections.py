"""Settings of clients' connections: limits, what waits, what is kept, pings, and the end."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from floorwire.config.number_ranges import Bytes, Count, Seconds


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one server, one address, one key and one connection: rate limits and counts."""

    connections: Annotated[
        Count,
        Meta(
            description="open connections, half-open ones included; fewer where `ulimit -n` leaves less room"
        ),
    ] = 20_000
    connections_per_address: Annotated[
        int,
        Meta(
            ge=0, description="open connections from one address; 0: all of them on loopback, 100 elsewhere"
        ),
    ] = 0
    handshakes_per_second: Annotated[
        Count, Meta(description="new connections a second, with five seconds' worth at once")
    ] = 2_000
    handshake_timeout_s: Annotated[
        Seconds,
        Meta(
            description="how long an HTTP connection may take for a head, a body, and until the next request"
        ),
    ] = 10.0
    handshakes_per_second_per_address: Annotated[
        int,
        Meta(ge=0, description="the same of one address; 0: as many as of all on loopback, 50 elsewhere"),
    ] = 0
    connections_per_key: Annotated[Count, Meta(description="open connections signed in with one key")] = 5_000
    logins_per_second_per_key: Annotated[
        Count, Meta(description="sign-ins a second with one key, with five seconds' worth at once")
    ] = 500
    commands_per_second_per_key: Annotated[
        int,
        Meta(
            ge=0,
            description="requests a second on all connections of one key, with five seconds' worth at once; "
            "0: ten times as many as on one connection",
        ),
    ] = 0
    commands_per_second: Annotated[
        Count, Meta(description="requests a second on one connection, with two seconds' worth at once")
    ] = 500
    message_bytes: Annotated[Bytes, Meta(description="the largest whole message a client may send")] = 65_536
    subscriptions: Annotated[Count, Meta(description="subscriptions that one connection may hold")] = 1_000


class OutboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may wait for one slow client (backpressure)."""

    bytes: Annotated[
        Bytes, Meta(description="bytes that wait for one connection before its on_slow contract holds")
    ] = 524_288
    kernel_bytes: Annotated[
        Bytes, Meta(description="send buffer asked of the kernel for one connection (Linux takes twice this)")
    ] = 131_072


class ResumeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of each stream is kept for clients that resume."""

    bytes: Annotated[
        Bytes,
        Meta(description="bytes kept of one stream, and once more in MessagePack if clients resume in it"),
    ] = 1_048_576
    total_bytes: Annotated[
        Bytes, Meta(description="the same of all streams together; beyond it each one keeps less")
    ] = 1_073_741_824
    seconds: Annotated[
        Seconds, Meta(description="how long messages are kept, and a stream that nobody listens to")
    ] = 60.0


class PingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How dead peers are found."""

    interval_s: Annotated[
        Seconds, Meta(description="between two pings to one client, jittered by a tenth")
    ] = 20.0
    timeout_s: Annotated[Seconds, Meta(description="how long after a ping nothing may come back")] = 10.0


class DrainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server shuts down."""

    seconds: Annotated[
        Seconds, Meta(description="over which connections are closed after SIGTERM, evenly paced")
    ] = 5.0
