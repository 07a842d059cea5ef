"""What a careful client does with its streams: it knows of every seq whether it came or never will."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import msgspec

Said: TypeAlias = "dict[str, Said] | list[Said] | str | int | bool | None"
Message: TypeAlias = dict[str, Said]

TIMES = frozenset({"recv", "sent"})
"""Say when this client's message was made; ``ts`` is the venue's and the same for all."""


class Name(NamedTuple):
    """Channel, canonical symbol and option, as messages and replies have them."""

    channel: str
    symbol: str | None
    option: int | str | None


def name_of(message: Message, symbol_field: str) -> Name:
    """Return which stream a message or a reply is about."""
    option = message.get("depth", message.get("interval"))
    symbol = message.get(symbol_field)
    assert isinstance(message["channel"], str)
    assert isinstance(symbol, str | None)
    assert isinstance(option, str | int | None)
    return Name(message["channel"], symbol, option)


class Gap(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}, forbid_unknown_fields=True):
    """Events that never come."""

    first: int
    last: int
    reason: str


class Stream:
    """One stream since its first subscription: where it is, what came and what was announced not to."""

    def __init__(self, name: Name, epoch: str, seq: int) -> None:
        self.name = name
        self.epoch = epoch
        self.last = max(seq - 1, 0)
        """The seq up to which everything is known."""
        self.first = self.last + 1
        self.came: dict[int, Message] = {}
        self.missed: set[int] = set()
        self.announcements: list[Gap] = []
        self.joined: int | None = seq
        """The seq of the reply, until the first event tells whether that was a state."""

    def _begin(self, first: int) -> None:
        # The first event is the state as of the reply's seq; where there is none, what came after it.
        if self.joined is not None and first == self.joined + 1:
            self.last, self.first = self.joined, first
        self.joined = None

    def follow(self, event: Message) -> None:
        """Take an event in. Fails where it is not the next one, or does not say what it leaves out."""
        assert event["epoch"] == self.epoch, (self.name, event)
        seq = event["seq"]
        assert isinstance(seq, int)
        if event.get("event") == "gap" and "gap" in event:
            self.skip(msgspec.convert(event["gap"], Gap))
            assert seq == self.last, (self.name, event)
            return
        conflated = event.get("conflated", 0)
        assert isinstance(conflated, int)
        self._begin(seq - conflated)
        assert self.last + conflated + 1 == seq, (self.name, self.last, event)
        if conflated:
            self.skip(Gap(self.last + 1, seq - 1, "conflated"))
        self.last = seq
        self.came[seq] = event

    def skip(self, gap: Gap) -> None:
        """Take in that events will never come: exactly those after the last one."""
        self._begin(gap.first)
        assert gap.first == self.last + 1, (self.name, self.last, gap)
        assert gap.last >= self.last, (self.name, self.last, gap)
        self.missed.update(range(gap.first, gap.last + 1))
        self.announcements.append(gap)
        self.last = gap.last

    def check(self) -> None:
        """Require every seq once: either it came or it was announced not to."""
        assert not self.missed & self.came.keys(), self.name
        assert self.missed | self.came.keys() == set(range(self.first, self.last + 1)), self.name


class Follower:
    """Every stream of one client, over all its connections; subscribe requests carry the ids below."""

    RESUME, ANEW = "resume", "anew"

    def __init__(self) -> None:
        self.streams: dict[Name, Stream] = {}
        self.ended: list[Stream] = []
        """Streams of epochs that are over, and those that were subscribed to anew."""
        self._open: set[Name] = set()

    def place(self, name: Name) -> dict[str, str | int] | None:
        """Return what to resume the stream with, None where it never was subscribed to."""
        stream = self.streams.get(name)
        return None if stream is None else {"epoch": stream.epoch, "seq": stream.last}

    def connected(self) -> None:
        """Begin with a new connection: nothing is subscribed to."""
        self._open.clear()

    def read(self, message: Message) -> None:
        """Take in a message of any kind."""
        match message.get("status"):
            case None if message["channel"] == "system" and message["event"] == "slow":
                pass  # about the connection, in no stream
            case None:
                name = name_of(message, "symbol")
                assert name in self._open, f"not subscribed: {message}"
                if message["epoch"] != self.streams[name].epoch:
                    self._begun_anew(name, message["epoch"])
                self.streams[name].follow(message)
            case "subscribed":
                self._subscribed(message)
            case "unsubscribed":
                self._open.remove(name_of(message, "instrument"))
            case _:
                raise AssertionError(message)

    def _begun_anew(self, name: Name, epoch: Said) -> None:
        # What is listed in other ticks or lots begins anew, from the first seq on, while it is followed.
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

    def _resumed(self, name: Name, epoch: str, gap: Gap | None) -> None:
        stream = self.streams[name]
        if stream.epoch != epoch:
            assert gap is not None
            assert gap.reason == "epoch", gap
            self.ended.append(stream)
            stream = self.streams[name] = Stream(name, epoch, 0)
            stream.skip(gap)
        elif gap is not None:
            assert gap.reason == "expired", gap
            stream.skip(gap)

    def check(self) -> None:
        """Require every seq of every stream once, come or announced."""
        for stream in [*self.streams.values(), *self.ended]:
            stream.check()


def content(event: Message) -> Message:
    """Return what an event says, whoever it was sent to: without its times, and what it left out."""
    return {name: value for name, value in event.items() if name not in TIMES and name != "conflated"}
