"""Orders, fills and events of the fake exchange's core."""

from dataclasses import dataclass, field
from enum import Enum

from tests.fake_exchange.market import Market


class Side(Enum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderState(Enum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        return self in (OrderState.NEW, OrderState.PARTIALLY_FILLED)


class TimeInForce(Enum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class SelfTrade(Enum):
    """What happens when an order meets one of the same account. The order that comes in decides."""

    ALLOW = "allow"
    CANCEL_MAKER = "cancel the resting order"
    CANCEL_TAKER = "cancel the order that comes in"
    CANCEL_BOTH = "cancel both"


class Refused(Exception):
    """The core did not accept an order, a cancel or an amendment. `reason` is one of the constants below."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


NO_MONEY = "insufficient balance"
WOULD_TAKE = "post-only order would take"
DUPLICATE = "client id is in use"
UNKNOWN_ORDER = "no such open order"
CLOSED = "market is closed"
BAD_AMENDMENT = "new quantity is not between filled and current"
SELF_TRADE = "order met one of the same account"
OUT_OF_TIME = "order reached its date"


@dataclass(frozen=True)
class Stop:
    """An order with one waits until the market trades at its price or beyond."""

    price_ticks: int
    rises: bool  # whether the market has to rise to it

    def is_reached(self, last_ticks: int) -> bool:
        return last_ticks >= self.price_ticks if self.rises else last_ticks <= self.price_ticks


@dataclass
class Order:
    order_id: int
    account: str
    client_id: str
    market: Market
    side: Side
    price_ticks: int | None  # None is a market order
    lots: int
    time_in_force: TimeInForce
    post_only: bool
    placed_us: int
    updated_us: int
    state: OrderState = OrderState.NEW
    filled_lots: int = 0
    filled_quote_e8: int = 0
    reserved_e8: int = 0
    self_trade: SelfTrade = SelfTrade.ALLOW
    quote_e8: int | None = None  # a market order that named its size in the quote asset
    place_in_queue: int = 0
    end_reason: str = ""  # WOULD_TAKE, SELF_TRADE, OUT_OF_TIME or NO_MONEY if the exchange ended it for that
    fills: list["Fill"] = field(default_factory=list)
    stop: Stop | None = None
    waits: bool = False  # for its stop: it is in no book
    triggered_us: int | None = None

    @property
    def open_lots(self) -> int:
        return self.lots - self.filled_lots


@dataclass(frozen=True)
class Fill:
    trade_id: int
    order_id: int
    account: str
    symbol: str
    side: Side
    price_ticks: int
    lots: int
    quote_e8: int
    fee_e8: int
    fee_asset: str
    is_maker: bool
    time_us: int


@dataclass(frozen=True)
class OrderChanged:
    """An order is new, filled, smaller or at its end. `request_id` is the cancel's or amendment's own id."""

    order: Order
    kind: str  # NEW, TRIGGERED, TRADE, CANCELED, EXPIRED or REPLACED
    fill: Fill | None = None
    request_id: str = ""


@dataclass(frozen=True)
class Traded:
    """It has amounts and not steps, because a market's steps may change later."""

    symbol: str
    trade_id: int
    price_e8: int
    size_e8: int
    quote_e8: int
    taker_side: Side
    time_us: int
    taker_order_id: int
    is_market_order: bool


@dataclass(frozen=True)
class LevelChanged:
    symbol: str
    side: Side
    price_ticks: int
    lots: int
    update_id: int


@dataclass(frozen=True)
class BalanceChanged:
    account: str
    assets: tuple[str, ...]


@dataclass(frozen=True)
class MarketChanged:
    """A market opened, closed or has other steps."""

    symbol: str


Event = OrderChanged | Traded | LevelChanged | BalanceChanged | MarketChanged
