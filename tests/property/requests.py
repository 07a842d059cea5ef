"""Strategies: what clients may send, from sound requests to nonsense that resembles them."""

from __future__ import annotations

import json

import msgspec
from hypothesis import strategies as st

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)
ACTIONS = ("subscribe", "unsubscribe", "subscriptions", "symbols", "ping")
symbols = st.sampled_from(["A", "a", "B", "C", "D", "?", "", "\x00", "é", "x" * 70])
likely: dict[str, st.SearchStrategy[object]] = {
    "id": st.one_of(st.integers(), st.text(max_size=70)),
    "channel": st.sampled_from(["ticker", "book", "heartbeat", "news"]),
    "symbol": symbols,
    "symbols": st.lists(symbols, max_size=4),
    "depth": st.sampled_from([-1, 0, 1, 5, 2**70]),
    "interval": st.sampled_from(["", "1m"]),
    "on_slow": st.sampled_from(["conflate", "skip", "disconnect", "wait"]),
    "resume": st.fixed_dictionaries({"epoch": st.text(max_size=3), "seq": st.integers(-1, 3)}),
    "x": json_values,
}
sound = st.fixed_dictionaries(
    {"action": st.sampled_from(ACTIONS)},
    optional={name: likely[name] for name in ("id", "channel", "symbol", "symbols", "on_slow", "resume")},
)
odd = st.fixed_dictionaries(
    {}, optional={name: st.one_of(value, json_values) for name, value in likely.items()}
).flatmap(lambda fields: st.sampled_from((*ACTIONS, "foo")).map(lambda action: {**fields, "action": action}))
requests = st.one_of(sound, odd)


def packed(value: object) -> bytes:
    """Return the value as MessagePack; what it has no integers for, as a byte that is never used."""
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError:
        return b"\xc1"


written_json = st.one_of(requests, json_values).map(lambda value: json.dumps(value).encode())
written_msgpack = st.one_of(requests, json_values).map(packed)
