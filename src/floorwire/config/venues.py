"""Settings of venues: when prices are current, recordings, and each venue."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from floorwire.config.number_ranges import Amount, Collar, Fraction, Seconds


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a venue's silence means that its prices are not current, and how long they are streamed."""

    stale_s: Annotated[
        Seconds, Meta(description="silence of a venue, or of one of its links, after which its feed is stale")
    ] = 10.0
    linger_s: Annotated[
        float,
        Meta(ge=0, description="how long a live symbol is streamed after the last client has left it"),
    ] = 30.0


class ReplaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How recordings are played."""

    speed: Annotated[
        float, Meta(ge=0, description="1: as recorded, 10: ten times as fast, 0: as fast as possible")
    ] = 1.0
    loop: Annotated[bool, Meta(description="start again at the end")] = False


class VenueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One venue instance, in ``[venues.ID]``. ``serve --venue ID`` runs it."""

    kind: Annotated[
        str,
        Meta(
            description="sim, replay, an exchange such as binance, ccxt:EXCHANGE; empty: the same as the id"
        ),
    ] = ""
    ws_url: Annotated[
        str | None, Meta(description="WebSocket address, where it is not the exchange's public one")
    ] = None
    rest_url: Annotated[
        str | None, Meta(description="HTTP address, where it is not the exchange's public one")
    ] = None
    source_address: Annotated[
        str | None, Meta(description="address of this machine that connections to the venue come from")
    ] = None
    symbols: Annotated[
        tuple[str, ...],
        Meta(description="only these symbols, as BASE-QUOTE; empty: the largest; of a recording all"),
    ] = ()
    file: Annotated[str | None, Meta(description="replay: the recording, a file or a folder")] = None
    adapter: Annotated[
        str | None, Meta(description="replay: the exchange, where the recording does not name it")
    ] = None
    record: Annotated[
        str | None, Meta(description="folder to record the venue's public messages in, both ways")
    ] = None
    orders: Annotated[
        Literal["paper", "live"], Meta(description="paper: filled here, against its prices; live: sent to it")
    ] = "paper"
    maker_fee: Annotated[Fraction | None, Meta(description="instead of fees.maker, for paper orders")] = None
    taker_fee: Annotated[Fraction | None, Meta(description="instead of fees.taker, for paper orders")] = None
    max_order_notional: Annotated[
        Amount | None, Meta(description="instead of risk.max_order_notional; 0: anything")
    ] = None
    price_collar: Annotated[Collar | None, Meta(description="instead of risk.price_collar")] = None
    account: Annotated[
        str,
        Meta(description="live orders: the account of ours that may place them; others are refused"),
    ] = ""
    dry_run: Annotated[
        bool,
        Meta(description="live orders: log what would be sent for an order, and do not send it"),
    ] = False
    order_ws_url: Annotated[
        str | None, Meta(description="live orders: their WebSocket address, where it is not ws_url")
    ] = None
    order_rest_url: Annotated[
        str | None, Meta(description="live orders: their HTTP address, where it is not rest_url")
    ] = None
    key: Annotated[str | None, Meta(description="live orders: the exchange's API key")] = None
    secret_env: Annotated[
        str | None, Meta(description="live orders: the environment variable that has the key's secret")
    ] = None
    secret_file: Annotated[
        str | None, Meta(description="live orders: the file with it, readable by its owner alone")
    ] = None
    passphrase_env: Annotated[
        str | None, Meta(description="live orders: the variable with the passphrase, where one is needed")
    ] = None
    cancel_all_after_s: Annotated[
        Annotated[int, Meta(ge=10, le=3_600)] | None,
        Meta(
            description="live orders at OKX (10 to 120), Kraken (60 to 3600) and Bybit (10 to 300, if it has "
            "enabled DCP for the account): so long after we are gone, the exchange cancels all open orders "
            "of the account, those of others too; null: it does not",
        ),
    ] = None
    tier: Annotated[
        Literal["starter", "intermediate", "pro"] | None,
        Meta(description="live orders at Kraken: the account's tier, which says how much may be sent"),
    ] = None
