"""What exchanges send: frames of a link after its start, for each market data adapter."""

from __future__ import annotations

from collections.abc import Sequence

from floorwire.core.market_events import BookChange
from floorwire.core.ports import Answer, Frame, Opened
from tests.venues.driver import START
from tests.venues.test_fuzz import ANSWERS, FRAMES, LINKS, LIST_REQUEST, MAKE, check, want

NAMES = tuple(MAKE)
WARM = 12
"""So many recorded frames come first."""


class VenueFrames:
    """The first byte chooses the adapter. Each line of the rest is a frame, or an answer after a ``>``."""

    name = "venue"
    max_bytes = 4_096

    def seeds(self) -> Sequence[bytes]:
        """Return recorded frames of each exchange."""
        chosen = [bytes([number]) for number in range(len(NAMES))]
        frames = [first + b"\n".join(FRAMES[name][:3]) for first, name in zip(chosen, NAMES, strict=True)]
        return [seed for seed in frames if len(seed) <= self.max_bytes]

    def words(self) -> Sequence[bytes]:
        """Return what breaks readers of numbers, and of JSON."""
        return [b"1e999", b"-0", b"9" * 40, b"null", b"\\ud800", b"[[[[[[[[", b'{"a":', b'"NaN"', b'"seq":0']

    def run(self, data: bytes) -> None:
        """Feed one input. Nothing raises, and no book changes without a snapshot before it."""
        if not data:
            return
        name = NAMES[data[0] % len(NAMES)]
        adapter, link = MAKE[name](), LINKS[name]
        listed: set[str] = set()
        live: dict[str, bool] = {}
        outputs = list(adapter.start(START))
        outputs += adapter.receive(Answer(LIST_REQUEST, 200, ANSWERS[name][0]), START)
        outputs += want(adapter, START)
        outputs += adapter.receive(Opened(link), START)
        for frame in FRAMES[name][:WARM]:
            outputs += adapter.receive(Frame(link, frame), START)
        check(outputs, listed, live)
        for number, line in enumerate(data[1:].split(b"\n"), 2):
            told = Answer(number, 200, line[1:]) if line.startswith(b">") else Frame(link, line)
            after = list(adapter.receive(told, START + number * 100_000))
            check(after, listed, live)
            assert sum(type(output) is BookChange for output in after) <= max(1, len(line))

    def close(self) -> None:
        """Nothing is held."""
