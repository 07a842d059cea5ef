"""Rows of an answer, and the same as a frame of pandas or Polars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar, overload

import msgspec
from msgspec import UNSET

from floorwire.protocol.market_replies import HoleRow

if TYPE_CHECKING:
    import pandas
    import polars

RowT = TypeVar("RowT", bound=msgspec.Struct)
TIMES: Final = frozenset({"ts", "start", "created", "updated", "time", "expires"})
"""Fields that are microseconds since the epoch, UTC."""
AMOUNTS: Final = frozenset(
    {
        "price",
        "size",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "quote_volume",
        "change",
        "last",
        "last_size",
        "bid",
        "bid_size",
        "ask",
        "ask_size",
        "quantity",
        "filled_quantity",
        "remaining_quantity",
        "average_price",
        "quote_quantity",
        "stop_price",
        "fee",
        "total",
        "available",
        "held",
        "realised",
        "amount",
        "balance",
        "tick_size",
        "lot_size",
        "min_notional",
        "min_quantity",
    }
)
"""Fields that are decimals, as text."""
Value = str | int | float | bool | Decimal | None


class Table(Sequence[RowT], Generic[RowT]):
    """Rows of one kind, the oldest first where they have a time."""

    def __init__(
        self,
        rows: list[RowT],
        kind: type[RowT],
        holes: Sequence[HoleRow] = (),
        *,
        is_complete: bool = True,
    ) -> None:
        self._rows = rows
        self._kind = kind
        self.holes = tuple(holes)
        """Times of which something may be missing."""
        self.is_complete = is_complete
        """Whether there are no older rows (of open orders: no newer ones) than ``limit`` left in."""

    @overload
    def __getitem__(self, index: int) -> RowT: ...

    @overload
    def __getitem__(self, index: slice) -> list[RowT]: ...

    def __getitem__(self, index: int | slice) -> RowT | list[RowT]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[RowT]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return f"Table of {len(self)} {self._kind.__name__}"

    @overload
    def to_frame(self, *, decimals: Literal["exact", "float"] = ...) -> pandas.DataFrame: ...

    @overload
    def to_frame(
        self, library: Literal["pandas"], *, decimals: Literal["exact", "float"] = ...
    ) -> pandas.DataFrame: ...

    @overload
    def to_frame(
        self, library: Literal["polars"], *, decimals: Literal["exact", "float"] = ...
    ) -> polars.DataFrame: ...

    def to_frame(
        self,
        library: Literal["pandas", "polars"] = "pandas",
        *,
        decimals: Literal["exact", "float"] = "exact",
    ) -> pandas.DataFrame | polars.DataFrame:
        """Return the rows as a frame: times as dates in UTC, amounts as decimals, or as floats if asked."""
        columns = self.columns(float if decimals == "float" else Decimal)
        if library == "polars":
            return _polars_frame(columns)
        return _pandas_frame(columns)

    def columns(self, number: Callable[[str], Decimal | float] = Decimal) -> dict[str, list[Value]]:
        """Return the columns by name. ``number`` makes an amount of its text. None: the row has none."""
        return {
            name: [_value(getattr(row, name), name, number) for row in self._rows]
            for name in self._kind.__struct_fields__
        }


def _value(value: object, name: str, number: Callable[[str], Decimal | float]) -> Value:
    if value is UNSET or value is None:
        return None
    if name in AMOUNTS and isinstance(value, str):
        return number(value)
    return value if isinstance(value, str | int | float | bool) else str(value)


def _pandas_frame(columns: Mapping[str, list[Value]]) -> pandas.DataFrame:
    import pandas

    frame = pandas.DataFrame(columns)
    for name in TIMES & columns.keys():
        frame[name] = pandas.to_datetime(frame[name], unit="us", utc=True)
    return frame


def _polars_frame(columns: Mapping[str, list[Value]]) -> polars.DataFrame:
    import polars

    frame = polars.DataFrame(columns)
    dates = [
        polars.from_epoch(name, time_unit="us").dt.replace_time_zone("UTC")
        for name in columns
        if name in TIMES
    ]
    return frame.with_columns(dates)
