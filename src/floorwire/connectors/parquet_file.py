"""Writes rows of market events as a Parquet file, by pyarrow: the extra ``floorwire[parquet]``."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from floorwire.connectors.event_rows import (
    BOOLEAN_COLUMNS,
    DECIMAL_COLUMNS,
    INTEGER_COLUMNS,
    TEXT_COLUMNS,
    Row,
)

MAGIC = b"PAR1"
"""The first bytes of a Parquet file."""
BATCH_ROWS = 50_000
"""So many rows are in memory, and in one group of the file."""
PRECISION, SCALE = 38, 18
"""Of decimals: exact for every instrument that Floorwire has."""


class ParquetMissingError(Exception):
    """pyarrow is not installed."""

    def __init__(self) -> None:
        super().__init__("Parquet needs pyarrow: install floorwire[parquet]")


def write(path: Path, rows: Iterable[Row]) -> int:
    """Write the rows; return how many. The file is there only when it is whole.

    Raises ParquetMissingError, OSError; FileExistsError where something else than an export is there.
    """
    _check_replaceable(path)
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ParquetMissingError from None
    schema = pa.schema(
        [
            *((name, pa.int64()) for name in INTEGER_COLUMNS),
            *((name, pa.string()) for name in TEXT_COLUMNS),
            *((name, pa.decimal128(PRECISION, SCALE)) for name in DECIMAL_COLUMNS),
            *((name, pa.bool_()) for name in BOOLEAN_COLUMNS),
        ]
    )
    unfinished = path.with_name(f".{path.name}.unfinished")
    written = 0
    batch: list[Row] = []
    try:
        with parquet.ParquetWriter(unfinished, schema, compression="zstd") as file:
            for row in rows:
                batch.append(row)
                if len(batch) == BATCH_ROWS:
                    file.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
                    written += len(batch)
                    batch.clear()
            file.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
            written += len(batch)
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
