"""Writes rows of a table as a Parquet file, by pyarrow: the extra ``floorwire[parquet]``."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from floorwire.connectors.table_columns import Columns, Row

MAGIC = b"PAR1"
"""The first bytes of a Parquet file."""
BATCH_ROWS = 50_000
"""So many rows are in memory, and in one group of the file."""
ROWS_AT_ONCE = 1_000
PRECISION, SCALE = 38, 18
"""Of decimals: exact for every instrument that Floorwire has."""


class ParquetMissingError(Exception):
    """pyarrow is not installed."""

    def __init__(self) -> None:
        super().__init__('Parquet needs pyarrow: pip install "floorwire[parquet]"')


class _Sink:
    """What pyarrow writes to: it keeps the bytes until they are taken."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, data: bytes) -> int:
        """Keep the bytes."""
        self._parts.append(bytes(data))
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how much was written."""
        return self._length

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing: what was written is still to be taken."""

    def take(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class ParquetTable:
    """A Parquet file that is made in parts. ``add`` and ``end`` return the bytes that are ready.

    Raises ParquetMissingError.
    """

    def __init__(self, columns: Columns) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise ParquetMissingError from None
        types = {
            "integer": pa.int64(),
            "text": pa.string(),
            "decimal": pa.decimal128(PRECISION, SCALE),
            "boolean": pa.bool_(),
        }
        self._pa = pa
        self._schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
        self._sink = _Sink()
        self._file = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._batches = [pa.RecordBatch.from_pylist([], schema=self._schema)]
        """Of the group that is not whole yet; the first one is empty."""
        self._rows = 0

    def add(self, rows: Sequence[Row]) -> bytes:
        """Add rows. A hundred of them take less than a millisecond, but for those that fill a group."""
        self._batches.append(self._pa.RecordBatch.from_pylist(rows, schema=self._schema))
        self._rows += len(rows)
        if self._rows >= BATCH_ROWS:
            self._end_group()
        return self._sink.take()

    def end(self) -> bytes:
        """Return the rest of the file."""
        self._end_group()
        self._file.close()
        return self._sink.take()

    def _end_group(self) -> None:
        if not self._rows:
            return
        self._file.write_table(self._pa.Table.from_batches(self._batches, schema=self._schema))
        self._batches, self._rows = self._batches[:1], 0


def write(path: Path, rows: Iterable[Row], columns: Columns) -> int:
    """Write the rows; return how many. The file is there only when it is whole.

    Raises ParquetMissingError, OSError; FileExistsError where something else than an export is there.
    """
    _check_replaceable(path)
    table = ParquetTable(columns)
    unfinished = path.with_name(f".{path.name}.unfinished")
    left, written = iter(rows), 0
    try:
        with unfinished.open("wb") as file:
            while part := list(islice(left, ROWS_AT_ONCE)):
                file.write(table.add(part))
                written += len(part)
            file.write(table.end())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return written


def _check_replaceable(path: Path) -> None:
    """Refuse to replace what is no Parquet file: a device, a part of the recording, a key."""
    if path.is_dir() or not path.exists():
        return
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
        if start in (MAGIC, b""):
            return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
