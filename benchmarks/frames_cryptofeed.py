"""Plays the frames of ``benchmarks.frames`` to cryptofeed. It runs in cryptofeed's own environment.

cryptofeed gets text, as from its own WebSocket client. Its request for a book gets the recorded answer. It
has its default options, with which it checks neither checksums nor whether a book is crossed. Of trades at
Binance it reads only the stream aggTrade, which has the same fields.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from cryptofeed.defines import L2_BOOK, TICKER, TRADES  # type: ignore[import-not-found]  # in a Python of its own
from cryptofeed.exchanges import OKX, Binance, Kraken  # type: ignore[import-not-found]  # in a Python of its own
from cryptofeed.feed import Feed  # type: ignore[import-not-found]  # in a Python of its own
from cryptofeed.symbols import Symbols  # type: ignore[import-not-found]  # in a Python of its own

from benchmarks.frame_timing import Session, run

EXCHANGES: dict[str, type[Feed]] = {"binance": Binance, "kraken": Kraken, "okx": OKX}
CHANNELS = (L2_BOOK, TRADES, TICKER)


class RecordedAnswer:
    """The answer to any HTTP request."""

    def __init__(self, body: str) -> None:
        self._body = body

    async def read(self, _url: str) -> str:
        """Return the recorded book."""
        return self._body


async def ignore(_event: object, _at: float) -> None:
    """Take what cryptofeed makes of a frame."""


def make_player(session: Session) -> Callable[[tuple[str, float]], object]:
    """Return what takes one frame."""
    exchange = EXCHANGES[session.exchange]
    names = {f"{base}-{quote}": native for native, (base, quote) in session.symbols.items()}
    Symbols.set(exchange.id, names, {"instrument_type": {}, "tick_size": {}})
    feed = exchange(
        symbols=list(names),
        channels=list(CHANNELS),
        callbacks=dict.fromkeys(CHANNELS, ignore),
    )
    feed.http_conn = RecordedAnswer(session.book)

    def play(frame: tuple[str, float]) -> None:
        text, at = frame
        try:
            feed.message_handler(text, None, at).send(None)
        except StopIteration:
            return
        raise RuntimeError("cryptofeed waits for something")

    return play


if __name__ == "__main__":
    logging.disable()
    run(make_player, lambda text: text.replace('"e":"trade"', '"e":"aggTrade"').replace('"t":', '"a":'))
