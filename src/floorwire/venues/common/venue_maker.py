"""The ``venue`` of an exchange's ``market_data`` module: makes its adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import final

from floorwire.venues.common.backoff import Jitter, no_jitter
from floorwire.venues.common.exchange import Exchange
from floorwire.venues.common.links import STALE_US
from floorwire.venues.common.market_data_adapter import MarketDataAdapter
from floorwire.venues.common.rate_limits import Allowance, RateLimits


@final
class VenueMaker:
    """Makes adapters of one exchange. ``exchange`` makes what differs there, for a prefix of symbols."""

    def __init__(self, exchange: Callable[[str], Exchange]) -> None:
        self._exchange = exchange
        self.allowances: Mapping[str, Allowance] = exchange("").allowances
        """What the exchange allows an address."""

    def __call__(
        self,
        symbols: Sequence[str] = (),
        prefix: str = "",
        *,
        recorded: bool = False,
        stale_us: int = STALE_US,
        limits: RateLimits | None = None,
        jitter: Jitter = no_jitter,
    ) -> MarketDataAdapter:
        """Return the adapter for these symbols (BASE-QUOTE); without symbols, for all.

        ``prefix`` goes before each canonical symbol: the id of the venue instance and a colon. The id is the
        adapter's name too; without one, that is the exchange's. ``recorded``: for recordings, which have one
        link and may lack the list; an unlisted symbol then has steps of eight decimals. ``stale_us``: after
        this long without a message on an open link, what came on it is not current. ``limits``: those that
        this adapter shares with others; None: it has its own.
        """
        return MarketDataAdapter(
            self._exchange(prefix),
            symbols,
            name=prefix.removesuffix(":"),
            recorded=recorded,
            stale_us=stale_us,
            limits=limits or RateLimits(self.allowances),
            jitter=jitter,
        )
