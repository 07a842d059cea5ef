"""The file of an earlier version goes on, without holes that are in others."""

from __future__ import annotations

from pathlib import Path

from floorwire.core.market_history import Hole
from floorwire.history import history_file


def test_a_file_with_holes_in_others_goes_on_without_them(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    connection = history_file.open_to_write(path)
    for hole in (
        Hole(0, 10, "start"),
        Hole(20, 90, "link_lost"),
        Hole(30, 31, "missing_trade"),
        Hole(89, 90, "missing_trade"),
        Hole(95, None, "silent"),
        Hole(96, 97, "missing_trade"),
    ):
        history_file.put_hole(connection, 1, "trades", hole)
    history_file.put_hole(connection, 1, "candles", Hole(30, 31, "missing_trade"))
    history_file.put_hole(connection, 2, "trades", Hole(30, 31, "missing_trade"))
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    connection = history_file.open_to_write(path)
    kept = [(hole.from_us, hole.to_us) for hole in history_file.holes(connection, 1, "trades")]
    assert kept == [(0, 10), (20, 90), (95, None)]
    assert len(list(history_file.holes(connection, 1, "candles"))) == 1
    assert len(list(history_file.holes(connection, 2, "trades"))) == 1
    assert [hole.from_us for hole in history_file.holes(connection, 1, "trades", 50, 96)] == [20, 95]
    assert [hole.from_us for hole in history_file.holes(connection, 1, "trades", 90, 95)] == []
    connection.close()
