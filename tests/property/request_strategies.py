"""Strategies: what clients may send, from sound requests to nonsense that resembles them."""

from __future__ import annotations

import json
from typing import get_args

import msgspec
from hypothesis import strategies as st

from floorwire.protocol.codec import ACTIONS
from floorwire.protocol.envelopes import AnyRequest

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)
symbols = st.sampled_from(["A", "a", "B", "C", "D", "?", "", "\x00", "é", "x" * 70])
decimals = st.sampled_from(["1", "0", "-1", "0.1", "1e9", "9" * 41, "", "NaN"])
times = st.sampled_from([0, -1, 1_700_000_000_000_000, 2**53, 2**53 + 1])
order_ids = st.sampled_from(["1", "0", "x" * 36, "x" * 37, "é", ""])
likely: dict[str, st.SearchStrategy[object]] = {
    "id": st.one_of(st.integers(), st.text(max_size=70)),
    "channel": st.sampled_from(["ticker", "book", "heartbeat", "orders", "fills", "news"]),
    "symbol": symbols,
    "symbols": st.lists(symbols, max_size=4),
    "depth": st.sampled_from([-1, 0, 1, 5, 2**70]),
    "interval": st.sampled_from(["", "1m"]),
    "on_slow": st.sampled_from(["conflate", "skip", "disconnect", "wait"]),
    "resume": st.fixed_dictionaries({"epoch": st.text(max_size=3), "seq": st.integers(-1, 3)}),
    "side": st.sampled_from(["buy", "sell", "hold"]),
    "type": st.sampled_from(["limit", "market", "stop", "stop_limit", "guess"]),
    "time_in_force": st.sampled_from(["gtc", "ioc", "fok", "gtd", "soon"]),
    **dict.fromkeys(("quantity", "quote_quantity", "price", "stop_price"), decimals),
    **dict.fromkeys(("expires", "deadline", "ts", "before"), times),
    **dict.fromkeys(("order_id", "client_order_id"), order_ids),
    **dict.fromkeys(("post_only", "reduce_only", "enabled"), st.booleans()),
    **dict.fromkeys(("grace_s", "timeout_s", "limit"), st.sampled_from([-1, 0, 1, 1.5, 600, 10**9])),
}


def of_kind(kind: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, object]]:
    """Return requests of one action: whatever it has to have and may have, mostly as it should be."""
    fields = msgspec.structs.fields(kind)
    values = {field.name: st.one_of(likely.get(field.name, json_values), st.just("")) for field in fields}
    return st.fixed_dictionaries(
        {
            "action": st.just(kind.__struct_config__.tag),
            **{field.name: values[field.name] for field in fields if field.required},
        },
        optional={field.name: values[field.name] for field in fields if not field.required},
    )


sound = st.one_of([of_kind(kind) for kind in get_args(AnyRequest)])
odd = st.builds(
    lambda action, fields: {**fields, "action": action},
    st.sampled_from([*sorted(map(str, ACTIONS)), "foo"]),
    st.dictionaries(st.sampled_from([*likely, "x"]), json_values, max_size=4),
)
requests = st.one_of(sound, odd)


def packed(value: object) -> bytes:
    """Return the value as MessagePack; what it has no integers for, as a byte that is never used."""
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError:
        return b"\xc1"


written_json = st.one_of(requests, json_values).map(lambda value: json.dumps(value).encode())
written_msgpack = st.one_of(requests, json_values).map(packed)
