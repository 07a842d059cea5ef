"""All error codes and close codes: what each means and what a client should do."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Code(StrEnum):
    """Error codes of the client protocol. The value is what is sent."""

    meaning: str
    retry: bool

    def __new__(cls, value: str, meaning: str, retry: bool = False) -> Code:
        code = str.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        code.retry = retry
        return code

    BAD_JSON = "bad_json", "the message is not valid JSON (or MessagePack)"
    BAD_REQUEST = "bad_request", "a field is missing, unknown, or of the wrong type or range"
    UNKNOWN_ACTION = "unknown_action", "there is no such action"
    UNKNOWN_CHANNEL = "unknown_channel", "there is no such channel"
    UNKNOWN_SYMBOL = "unknown_symbol", "the symbol names no instrument, or more than one"
    NOT_SUBSCRIBED = "not_subscribed", "there is no such subscription on this connection"
    TOO_MANY_SUBSCRIPTIONS = "too_many_subscriptions", "the connection holds as many as it may"
    RATE_LIMITED = "rate_limited", "too many requests; wait retry_after_ms", True
    UNAUTHENTICATED = "unauthenticated", "sign in first"
    FORBIDDEN = "forbidden", "the key may not do this"
    BAD_SIGNATURE = "bad_signature", "the key, the secret, the signature or the token is wrong"
    CLOCK_SKEW = "clock_skew", "the timestamp is not within 30 s of the server's clock", True
    UNKNOWN_KEY = "unknown_key", "there is no such key, or it is revoked"
    DEADLINE_PASSED = "deadline_passed", "the order arrived after its deadline"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id", "the id was used for another order"
    DUPLICATE_REQUEST_ID = "duplicate_request_id", "the id was used for another request"
    UNKNOWN_ORDER = "unknown_order", "there is no such order"
    ORDER_CLOSED = "order_closed", "the order is filled, cancelled, rejected or expired"
    TICK_SIZE = "tick_size", "the price is not a whole number of ticks"
    LOT_SIZE = "lot_size", "the quantity is not a whole number of lots"
    MIN_QUANTITY = "min_quantity", "the quantity is smaller than the instrument's minimum"
    MIN_NOTIONAL = "min_notional", "the order is worth less than the instrument's minimum"
    PRICE_BAND = "price_band", "the price is too far from the market"
    MAX_NOTIONAL = "max_notional", "the order is worth more than the key or the account may place"
    MAX_QUANTITY = "max_quantity", "the order is larger than the key or the account may place"
    MAX_OPEN_ORDERS = "max_open_orders", "the key or the account has as many open orders as it may"
    POSITION_LIMIT = "position_limit", "the position would grow over its limit"
    INSUFFICIENT_BALANCE = "insufficient_balance", "the account has too little available"
    REDUCE_ONLY = "reduce_only", "the order would add to the position"
    SELF_TRADE = "self_trade", "the order would have met another of its own account"
    POST_ONLY_WOULD_CROSS = "post_only_would_cross", "the order would have taken"
    FOK_UNFILLED = "fok_unfilled", "the order could not be filled whole at once"
    MARKET_HALTED = "market_halted", "trading is halted", True
    DISCONNECTED = "disconnected", "cancelled on disconnect: a connection of the order's key was gone"
    DEADMAN = "deadman", "cancelled by the dead man's timer of the order's key"
    STALE_MARKET = "stale_market", "the market's prices are not current", True
    NO_LIQUIDITY = "no_liquidity", "nothing rests on the other side", True
    VENUE_REJECTED = "venue_rejected", "the venue refused the order"
    VENUE_UNAVAILABLE = "venue_unavailable", "the venue cannot be reached", True
    HISTORY_UNAVAILABLE = "history_unavailable", "market history cannot be read now", True
    DRY_RUN = "dry_run", "the venue is in a dry run: the order was shown in the log, and not sent"
    DRAINING = "draining", "the server is shutting down; reconnect", True
    INTERNAL = "internal", "a fault of the server", True


class CloseCode(IntEnum):
    """WebSocket close codes; 4000-4499: reconnect with backoff, 4500-4999: do not retry as you are."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> CloseCode:
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    NORMAL = 1000, "closed by the peer"
    GOING_AWAY = 1001, "going away"
    PROTOCOL_ERROR = 1002, "not WebSocket"
    UNSUPPORTED = 1003, "unsupported data"
    NO_STATUS = 1005, "the close frame had no code; never sent"
    ABNORMAL = 1006, "the connection vanished; never sent"
    INVALID_TEXT = 1007, "a text message is not UTF-8"
    MESSAGE_TOO_BIG = 1009, "a message is larger than limits.message_bytes"
    INTERNAL = 1011, "a fault of the server"
    RESTART = 1012, "the server restarts; reconnect"
    SLOW_CONSUMER = 4008, "slow consumer"
    NO_PONG = 4012, "no pong"
    RATE = 4013, "too many requests, in spite of rate_limited errors"
    TOO_MANY_CONNECTIONS = 4029, "too many connections"
    BAD_CREDENTIALS = 4500, "bad credentials"
    KEY_REVOKED = 4501, "key revoked"
    PROTOCOL_ABUSE = 4502, "protocol abuse"
    KICKED = 4503, "kicked by an operator"
