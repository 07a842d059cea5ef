"""Random messages of any kind, made from the types of their fields."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, inspect

StructT = TypeVar("StructT", bound=msgspec.Struct)
CHANNELS: Final = (
    "ticker",
    "trades",
    "book",
    "candles",
    "heartbeat",
    "system",
    "orders",
    "fills",
    "balances",
    "positions",
)
WORDS: Final = ("", "BTC-USDT", 'a "quoted" one', "\\u00e9\n", "Việt Nam ₫", "0.00100", "x" * 36)
ALWAYS: Final = {"Unsubscribed": ("channel",), "Guarded": ("enabled",)}
"""Fields that can be left out by their type, but never are: without them, these are other messages."""
ID: Final = "12345678901"


def sample(kind: type[StructT], random: Random, given: float = 0.5) -> StructT:
    """Return a message. ``given``: how likely it has a field that it may lack."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    values = {}
    for field in info.fields:
        if (
            field.required
            or field.name in ALWAYS.get(kind.__name__, ())
            or (field.default is UNSET and random.random() < given)
        ):
            values[field.name] = _value(field.type, random, given, field.name)
    return kind(**values)


def _value(kind: inspect.Type, random: Random, given: float, name: str) -> object:
    match kind:
        case inspect.Metadata():
            return _value(kind.type, random, given, name)
        case inspect.UnionType():
            return _value(random.choice(kind.types), random, given, name)
        case inspect.LiteralType():
            return random.choice(kind.values)
        case inspect.StructType():
            return sample(kind.cls, random, given)
        case inspect.ListType() | inspect.VarTupleType():
            least = kind.min_length or 0
            values = [
                _value(kind.item_type, random, given, name) for _ in range(random.randint(least, least + 3))
            ]
            return tuple(values) if isinstance(kind, inspect.VarTupleType) else values
        case inspect.TupleType():
            return tuple(_value(one, random, given, name) for one in kind.item_types)
        case inspect.DictType():
            return {word: _value(kind.value_type, random, given, name) for word in _some(WORDS, random)}
        case _:
            return _plain_value(kind, random, name)


def _plain_value(kind: inspect.Type, random: Random, name: str) -> object:
    match kind:
        case inspect.NoneType():
            return None
        case inspect.BoolType():
            return random.random() < 0.5
        case inspect.IntType():
            least, most = (-(2**53) if kind.ge is None else kind.ge), (2**53 if kind.le is None else kind.le)
            return random.choice((int(least), int(most), random.randint(int(least), int(most))))
        case inspect.FloatType():
            return random.choice((kind.ge or 0.0, 1.5, 1e2))
        case inspect.StrType():
            return _text(kind, random, name)
    raise AssertionError(f"no value of {kind} for {name}")


def _text(kind: inspect.StrType, random: Random, name: str) -> str:
    if name == "channel":
        return random.choice(CHANNELS)
    if name == "status":
        return random.choice(("subscribed", "unsubscribed"))
    if kind.pattern is not None:
        return ID
    return random.choice(WORDS)[: kind.max_length].rjust(kind.min_length or 0, "x")


def _some(values: Sequence[str], random: Random) -> list[str]:
    return random.sample(values, random.randint(0, len(values)))
