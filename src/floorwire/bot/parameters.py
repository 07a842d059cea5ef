"""Parameters of a bot: the annotated attributes of its class, their values as text, and sweeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from inspect import get_annotations
from itertools import product
from typing import Final, TypeAlias, get_origin, get_type_hints

from floorwire.bot.bot import Bot

Value: TypeAlias = int | float | bool | str | Decimal
KINDS: Final = (bool, int, float, str, Decimal)
TRUTHS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
MAX_RUNS: Final = 10_000
"""The most runs of one sweep."""


class ParameterError(ValueError):
    """A parameter that the bot does not have, or a value that does not fit."""


def parameters(kind: type[Bot]) -> Mapping[str, type[Value]]:
    """Return the parameters of a bot: name -> type."""
    found: dict[str, type[Value]] = {}
    for one in reversed(kind.__mro__):
        if issubclass(one, Bot) and one is not Bot:
            hints = get_type_hints(one)
            for name in get_annotations(one):
                if not name.startswith("_") and hints[name] in KINDS and get_origin(hints[name]) is None:
                    found[name] = hints[name]
    return found


def parse(kind: type[Bot], name: str, text: str) -> Value:
    """Return the value of a parameter that was given as text. Raises ParameterError."""
    known = parameters(kind)
    wanted = known.get(name)
    if wanted is None:
        raise ParameterError(
            f"{kind.__name__} has no parameter {name!r}; it has {', '.join(known) or 'none'}"
        )
    try:
        return TRUTHS[text.lower()] if wanted is bool else wanted(text)
    except (ValueError, KeyError, InvalidOperation):
        raise ParameterError(f"{name}: {text!r} is not of the type {wanted.__name__}") from None


def assignment(text: str) -> tuple[str, str]:
    """Split ``name=value``. Raises ParameterError."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ParameterError(f"{text!r} is not name=value")
    return name.strip(), value.strip()


def given(kind: type[Bot], assignments: Iterable[str]) -> dict[str, Value]:
    """Return the values of ``name=value`` texts. Raises ParameterError."""
    pairs = map(assignment, assignments)
    return {name: parse(kind, name, value) for name, value in pairs}


def sweep(kind: type[Bot], assignments: Sequence[str]) -> list[dict[str, Value]]:
    """Return each combination of the values in ``name=a,b,c`` texts. Raises ParameterError."""
    axes: list[list[tuple[str, Value]]] = []
    count = 1
    for name, values in map(assignment, assignments):
        axis = [(name, parse(kind, name, value.strip())) for value in values.split(",")]
        if name in {other for others in axes for other, _ in others}:
            raise ParameterError(f"{name} is swept twice")
        axes.append(axis)
        count *= len(axis)
    if count > MAX_RUNS:
        raise ParameterError(f"the sweep has {count} runs; {MAX_RUNS} at most")
    return list(_combinations(axes))


def _combinations(axes: Sequence[Sequence[tuple[str, Value]]]) -> Iterator[dict[str, Value]]:
    for chosen in product(*axes):
        yield dict(chosen)


def make(kind: type[Bot], symbols: Sequence[str], values: Mapping[str, Value]) -> Bot:
    """Return a new bot with these values. ``symbols``: none given are those of the class."""
    bot = kind()
    if symbols:
        bot.symbols = tuple(symbols)
    for name, value in values.items():
        setattr(bot, name, value)
    return bot
