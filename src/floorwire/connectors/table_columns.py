"""The columns of tables that other programs read: what a file of rows needs to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, TypeAlias

Cell: TypeAlias = str | int | bool | Decimal | None
Row: TypeAlias = dict[str, Cell]
"""A cell that a row does not have is empty."""
ColumnType: TypeAlias = Literal["integer", "text", "decimal", "boolean"]
Columns: TypeAlias = Mapping[str, ColumnType]
"""The type of each column, by name and in order."""
