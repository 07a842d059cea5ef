"""Rows of an answer, and the same as a frame of pandas or Polars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar, overload

import msgspec
from msgspec import UNSET, inspect

from floorwire.client.errors import MissingLibraryError
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
MOST_DIGITS: Final = 38
"""Of an exact decimal in Polars."""
Value: TypeAlias = str | int | float | bool | Decimal | None
ColumnType: TypeAlias = Literal["amount", "time", "flag", "number", "text"]


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
        """Return the rows as a frame: times as dates in UTC, amounts as decimals, or as floats if asked.

        Raises MissingLibraryError where the library is not installed.
        """
        exact = decimals == "exact"
        columns, types = self.columns(Decimal if exact else float), column_types(self._kind)
        try:
            if library == "polars":
                return _polars_frame(columns, types, exact=exact)
            return _pandas_frame(columns, types, exact=exact)
        except ModuleNotFoundError as error:
            if error.name != library:
                raise
            raise MissingLibraryError(library) from None

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


def column_types(kind: type[msgspec.Struct]) -> dict[str, ColumnType]:
    """Return what each column has, also where every row lacks it."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return {field.name: _column_type(field.name, field.type) for field in info.fields}


def _column_type(name: str, kind: inspect.Type) -> ColumnType:
    if name in AMOUNTS:
        return "amount"
    if name in TIMES:
        return "time"
    parts = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    if any(isinstance(part, inspect.BoolType) for part in parts):
        return "flag"
    return "number" if any(isinstance(part, inspect.IntType) for part in parts) else "text"


def _pandas_frame(
    columns: Mapping[str, list[Value]], types: Mapping[str, ColumnType], *, exact: bool
) -> pandas.DataFrame:
    import pandas

    names: dict[ColumnType, str] = {"flag": "boolean", "number": "Int64", "text": "string"}
    frame = pandas.DataFrame(columns, dtype=object)
    for name, kind in types.items():
        if kind == "time":
            frame[name] = pandas.to_datetime(frame[name], unit="us", utc=True).astype("datetime64[us, UTC]")
        elif kind != "amount":
            frame[name] = frame[name].astype(names[kind])
        elif not exact:
            frame[name] = frame[name].astype(float)
    return frame


def _polars_frame(
    columns: Mapping[str, list[Value]], types: Mapping[str, ColumnType], *, exact: bool
) -> polars.DataFrame:
    import polars

    def column(name: str, values: list[Value]) -> polars.Series:
        kind = types[name]
        if kind == "time":
            return polars.Series(name, values, polars.Int64).cast(polars.Datetime("us", "UTC"))
        if kind == "amount":
            decimals = polars.Decimal(MOST_DIGITS, _scale(values))
            return polars.Series(name, values, decimals if exact else polars.Float64)
        return polars.Series(
            name, values, {"flag": polars.Boolean, "number": polars.Int64}.get(kind, polars.String)
        )

    return polars.DataFrame([column(name, values) for name, values in columns.items()])


def _scale(values: list[Value]) -> int:
    """Return the most decimals that any of the values has."""
    exponents = [value.as_tuple().exponent for value in values if isinstance(value, Decimal)]
    return max((-one for one in exponents if isinstance(one, int)), default=0)
