"""A follower: one connection's place in one private channel of its account."""

from __future__ import annotations

from floorwire.core.account_events import AccountEntry, PrivateChannel
from floorwire.protocol.desk_ports import DeskClient
from floorwire.trading.visibility import Visibility

MOST_WAITING = 100_000
"""Events that may happen while a follower is still being told the past; beyond, it is closed (4008)."""


class Follower:
    """Told each event once, in order: everything up to ``seq`` it has been told."""

    __slots__ = ("channel", "client", "hidden", "is_gone", "is_in", "seq", "visibility", "waiting")

    def __init__(self, client: DeskClient, channel: PrivateChannel, visibility: Visibility, seq: int) -> None:
        self.client = client
        self.channel: PrivateChannel = channel
        self.visibility = visibility
        self.seq = seq
        self.hidden = 0
        """Events since the last that it was sent which it may not see."""
        self.is_gone = False
        self.is_in = False
        """Whether its subscription was answered, and not lost with the journal."""
        self.waiting: list[AccountEntry] | None = None
        """What happened since it is being told the past; None while it is told the present."""
