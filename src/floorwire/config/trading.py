"""Settings of orders: the journal, risk limits, fees, paper and live trading."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from floorwire.config.number_ranges import Count


class StorageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the journal of accounts and orders is kept."""

    waiting_records: Annotated[
        Count, Meta(description="records that may wait for the disk; orders beyond are refused")
    ] = 20_000
    snapshot_records: Annotated[
        Count, Meta(description="records after which the state is saved again, for a fast start")
    ] = 100_000
    memory_records: Annotated[
        Count, Meta(description="latest records kept for clients that come back, with journal=memory")
    ] = 200_000


class RiskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of accounts without their own. Admins set an account's limits while the server runs."""

    max_open_orders: Annotated[Count, Meta(description="open orders of one account")] = 1_000
    orders_per_second: Annotated[
        Count, Meta(description="orders and amends a second of one account, and as many at once")
    ] = 500
    max_order_notional: Annotated[
        float, Meta(ge=0, description="the most that one order may be worth, in quote currency; 0: anything")
    ] = 1_000_000
    price_collar: Annotated[
        float,
        Meta(
            ge=0.000001,
            le=0.999999,
            description="how far beyond the best opposite price an order may trade, as a fraction of it",
        ),
    ] = 0.05


class AccountSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What accounts are valued in, and the paper accounts that their owners may make."""

    currency: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z0-9.]{1,20}$",
            description="what the action account gives an account's value in, if a client names no other",
        ),
    ] = "USDT"
    own_accounts: Annotated[
        int, Meta(ge=0, description="paper accounts that the owner of an account may make besides; 0: none")
    ] = 0
    own_deposit: Annotated[
        tuple[str, ...], Meta(description="what each of those has at first, as ASSET=AMOUNT")
    ] = ("USDT=1000000",)


class FeeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the simulated and the paper exchange charge, in the quote asset, as fractions of the turnover."""

    maker: Annotated[float, Meta(ge=0, lt=1, description="of what rested in the book")] = 0.0002
    taker: Annotated[float, Meta(ge=0, lt=1, description="of what traded at once")] = 0.0005


class PaperSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How orders trade on paper, where prices come from outside."""

    latency_us: Annotated[
        int, Meta(ge=0, description="how long an order, an amend or a cancel takes to the market, on paper")
    ] = 0


class LiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether orders may go to real markets. The flag ``--live`` is needed too, at each start."""

    enabled: Annotated[
        bool, Meta(description="allow venues with orders = live; `serve --live` has to be given too")
    ] = False
