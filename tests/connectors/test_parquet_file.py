"""Parquet without pyarrow. ``tests/cli`` and ``tests/web`` read the files that are written with it."""

from __future__ import annotations

import sys

import pytest

from floorwire.connectors.parquet_file import ParquetMissingError, ParquetTable


def test_without_pyarrow_it_says_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ParquetMissingError, match=r'pip install "floorwire\[parquet\]"$'):
        ParquetTable({})
