"""Checks a client's streams: each seq must either arrive once, or be announced as one that never will."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import msgspec

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | bool | None"
Message: TypeAlias = dict[str, JsonValue]

TIMES = frozenset({"recv", "sent"})
"""Fields with a time at this client's server; ``ts`` is the venue's time and the same for all clients."""


class StreamName(NamedTuple):
    """Channel, canonical symbol and option (depth or interval), as in messages and replies."""

    channel: str
    symbol: str | None
    option: int | str | None


def name_of(message: Message, symbol_field: str) -> StreamName:
    """Return which stream a message or a reply is about."""
    option = message.get("depth", message.get("interval"))
    symbol = message.get(symbol_field)
    assert isinstance(message["channel"], str)
    assert isinstance(symbol, str | None)
    assert isinstance(option, str | int | None)
    return StreamName(message["channel"], symbol, option)


class Gap(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}, forbid_unknown_fields=True):
    """Seqs that will never arrive, both ends included, and why."""

    first: int
    last: int
    reason: str


class Stream:
    """One stream since its first subscription: what arrived, and what was announced as missing."""

    def __init__(self, name: StreamName, epoch: str, seq: int) -> None:
        self.name = name
        self.epoch = epoch
        self.last = max(seq - 1, 0)
        """Every seq up to this one has arrived or was announced."""
        self.first = self.last + 1
        self.received: dict[int, Message] = {}
        """Events by seq."""
        self.missed: set[int] = set()
        self.announcements: list[Gap] = []
        self.reply_seq: int | None = seq
        """The seq of the subscribe reply, until the first event shows whether that seq was a snapshot."""

    def _start_at(self, first: int) -> None:
        # The first event is the snapshot at the seq of the reply, or the next one where there is no snapshot.
        if self.reply_seq is not None and first == self.reply_seq + 1:
            self.last, self.first = self.reply_seq, first
        self.reply_seq = None

    def add(self, event: Message) -> None:
        """Add an event. Fails unless it is the next one or says which ones it stands for."""
        assert event["epoch"] == self.epoch, (self.name, event)
        seq = event["seq"]
        assert isinstance(seq, int)
        if event.get("event") == "gap" and "gap" in event:
            self.add_gap(msgspec.convert(event["gap"], Gap))
            assert seq == self.last, (self.name, event)
            return
        conflated = event.get("conflated", 0)
        assert isinstance(conflated, int)
        self._start_at(seq - conflated)
        assert self.last + conflated + 1 == seq, (self.name, self.last, event)
        if conflated:
            self.add_gap(Gap(self.last + 1, seq - 1, "conflated"))
        self.last = seq
        self.received[seq] = event

    def add_gap(self, gap: Gap) -> None:
        """Add an announced gap. Fails unless it starts right after the last seq."""
        self._start_at(gap.first)
        assert gap.first == self.last + 1, (self.name, self.last, gap)
        assert gap.last >= self.last, (self.name, self.last, gap)
        self.missed.update(range(gap.first, gap.last + 1))
        self.announcements.append(gap)
        self.last = gap.last

    def check(self) -> None:
        """Require every seq exactly once: received or announced as missing."""
        assert not self.missed & self.received.keys(), self.name
        assert self.missed | self.received.keys() == set(range(self.first, self.last + 1)), self.name


class StreamChecker:
    """All streams of one client, over all its connections.

    A subscribe request must have ``RESUME`` or ``ANEW`` as its id, so that the reply tells which it was.
    """

    RESUME, ANEW = "resume", "anew"

    def __init__(self) -> None:
        self.streams: dict[StreamName, Stream] = {}
        self.ended: list[Stream] = []
        """Streams whose epoch has ended, or that were subscribed to anew without resume."""
        self._open: set[StreamName] = set()

    def resume_point(self, name: StreamName) -> dict[str, str | int] | None:
        """Return the ``resume`` field of a request; None where the stream was never subscribed to."""
        stream = self.streams.get(name)
        return None if stream is None else {"epoch": stream.epoch, "seq": stream.last}

    def connected(self) -> None:
        """Start a new connection, on which nothing is subscribed to."""
        self._open.clear()

    def read(self, message: Message) -> None:
        """Add a message of any kind. Fails where it breaks a promise of the protocol."""
        match message.get("status"):
            case None if message["channel"] == "system" and message["event"] == "slow":
                pass  # it is about the connection, and in no stream
            case None:
                name = name_of(message, "symbol")
                assert name in self._open, f"not subscribed: {message}"
                if message["epoch"] != self.streams[name].epoch:
                    self._restart(name, message["epoch"])
                self.streams[name].add(message)
            case "subscribed":
                self._subscribed(message)
            case "unsubscribed":
                self._open.remove(name_of(message, "instrument"))
            case _:
                raise AssertionError(message)

    def _restart(self, name: StreamName, epoch: JsonValue) -> None:
        # A new tick or lot starts a new epoch while the stream is subscribed. Its seqs start again.
        assert isinstance(epoch, str)
        self.ended.append(self.streams[name])
        self.streams[name] = Stream(name, epoch, 0)

    def _subscribed(self, reply: Message) -> None:
        name, epoch, seq = name_of(reply, "instrument"), reply["epoch"], reply["seq"]
        assert isinstance(epoch, str)
        assert isinstance(seq, int)
        self._open.add(name)
        if reply["id"] == self.RESUME:
            self._resumed(name, epoch, msgspec.convert(reply["gap"], Gap) if "gap" in reply else None)
            return
        assert "gap" not in reply, "nothing was resumed"
        if name in self.streams:
            self.ended.append(self.streams[name])
        self.streams[name] = Stream(name, epoch, seq)

    def _resumed(self, name: StreamName, epoch: str, gap: Gap | None) -> None:
        stream = self.streams[name]
        if stream.epoch != epoch:
            assert gap is not None
            assert gap.reason == "epoch", gap
            self.ended.append(stream)
            stream = self.streams[name] = Stream(name, epoch, 0)
            stream.add_gap(gap)
        elif gap is not None:
            assert gap.reason == "expired", gap
            stream.add_gap(gap)

    def check(self) -> None:
        """Require every seq of every stream exactly once: received or announced as missing."""
        for stream in [*self.streams.values(), *self.ended]:
            stream.check()


def content(event: Message) -> Message:
    """Return what must be the same for every client: an event without its times and ``conflated``."""
    return {name: value for name, value in event.items() if name not in TIMES and name != "conflated"}
