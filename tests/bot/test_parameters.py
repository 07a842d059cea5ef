"""Parameters: which there are, their values as text, sweeps."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import pytest

from floorwire.bot import Bot
from floorwire.bot.parameters import ParameterError, given, make, parameters, sweep


class Base(Bot):
    size: Decimal = Decimal("0.5")
    timer_s: ClassVar[float] = 3.0
    _hidden: int = 1
    prices: list[int]


class Child(Base):
    symbols = ("ABC-USDT",)
    fast: int = 10
    share: float = 0.5
    name: str = "x"
    is_long: bool = False


def test_annotated_attributes_are_parameters() -> None:
    assert parameters(Child) == {"size": Decimal, "fast": int, "share": float, "name": str, "is_long": bool}
    assert parameters(Bot) == {}


def test_values() -> None:
    texts = ["fast=3", "share=.25", "name=a=b", "is_long=YES", "size=1.50"]
    values = given(Child, texts)
    assert values == {"fast": 3, "share": 0.25, "name": "a=b", "is_long": True, "size": Decimal("1.50")}
    bot = make(Child, (), values)
    assert isinstance(bot, Child)
    assert (bot.fast, bot.size, bot.symbols) == (3, Decimal("1.50"), ("ABC-USDT",))
    assert make(Child, ["X-Y"], {}).symbols == ("X-Y",)
    assert Child.fast == 10


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fast", "'fast' is not name=value"),
        ("=3", "'=3' is not name=value"),
        ("slow=3", "Child has no parameter 'slow'; it has size, fast, share, name, is_long"),
        ("fast=3.5", "fast: '3.5' is not of the type int"),
        ("size=much", "size: 'much' is not of the type Decimal"),
        ("is_long=perhaps", "is_long: 'perhaps' is not of the type bool"),
    ],
)
def test_what_does_not_fit(text: str, sentence: str) -> None:
    with pytest.raises(ParameterError, match=f"^{sentence.replace('.', '[.]')}$"):
        given(Child, [text])


def test_sweep_is_each_combination() -> None:
    assert sweep(Child, []) == [{}]
    assert sweep(Child, ["fast=1, 2", "name=a,b"]) == [
        {"fast": 1, "name": "a"},
        {"fast": 1, "name": "b"},
        {"fast": 2, "name": "a"},
        {"fast": 2, "name": "b"},
    ]
    with pytest.raises(ParameterError, match="fast is swept twice"):
        sweep(Child, ["fast=1", "fast=2"])
    many = ",".join(map(str, range(101)))
    with pytest.raises(ParameterError, match="10201 runs; 10000 at most"):
        sweep(Child, [f"fast={many}", f"name={many}"])
