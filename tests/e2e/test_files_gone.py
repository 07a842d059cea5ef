"""Files of the data folder are removed under a running server."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from floorwire.storage import journal_file
from tests.servers import Server, eventually, metrics
from tests.trading.trader import FREE, key, serving, trader

LOG = f"{journal_file.FILE}-wal"
ORDERS = 20


def is_refusing(server: Server) -> bool:
    return metrics(server)['floorwire_orders_refused{reason="journal"}'] == 1


def durable_records(server: Server) -> float:
    found = metrics(server)
    return found["floorwire_journal_records_total"] - found["floorwire_journal_waiting"]


async def test_an_order_that_is_accepted_after_the_log_was_removed_survives_a_kill(tmp_path: Path) -> None:
    issued = key(tmp_path)
    accepted = []
    with serving(tmp_path, *FREE) as server:
        async with trader(server, issued) as client:
            for number in range(3 * ORDERS):
                if number == ORDERS:
                    (tmp_path / LOG).unlink()
                said = await client.place(f"order-{number}")
                if said["status"] == "accepted":
                    accepted.append(f"order-{number}")
                elif (
                    number > ORDERS
                ):  # it is opened again; until then a kill still loses what was told before
                    assert eventually(lambda: not is_refusing(server))
        server.signal(signal.SIGKILL)
        server.wait()
        assert "was removed" in server.log
    assert ORDERS <= len(accepted) < 3 * ORDERS
    with serving(tmp_path, *FREE) as server:
        assert "orders are refused" not in server.log
        async with trader(server, issued) as client:
            rows = (await client.ask("orders"))["orders"]
            assert isinstance(rows, list)
            assert set(accepted) <= {row["client_order_id"] for row in rows if isinstance(row, dict)}


async def test_an_order_that_is_accepted_after_the_logs_header_was_overwritten_survives_a_kill(
    tmp_path: Path,
) -> None:
    """30 orders were accepted, and gone after kill -9: the next start finds no log without its header."""
    issued = key(tmp_path)
    accepted: set[str] = set()
    unknown: set[str] = set()
    with serving(tmp_path, *FREE) as server:
        async with trader(server, issued) as client:
            for number in range(ORDERS):
                if number == ORDERS // 2:
                    with (tmp_path / LOG).open("r+b") as file:
                        file.write(bytes(32))
                said = await client.place(f"order-{number}")
                if said["status"] == "accepted":
                    accepted.add(f"order-{number}")
                else:  # a busy machine: it was noticed before all orders were sent
                    assert number >= ORDERS // 2, said
                    if said["order"] == "unknown":  # it waited for the journal when that broke
                        unknown.add(f"order-{number}")
            assert eventually(lambda: "the journal failed" in server.log)
            assert f"{LOG} was overwritten" in server.log
            assert eventually(lambda: not is_refusing(server)), "it is opened again: nothing was lost"
        server.signal(signal.SIGKILL)
        server.wait()
    with serving(tmp_path, *FREE) as server:
        assert "orders are refused" not in server.log
        async with trader(server, issued) as client:
            rows = (await client.ask("orders"))["orders"]
            assert isinstance(rows, list)
            kept = {row["client_order_id"] for row in rows if isinstance(row, dict)}
            assert accepted <= kept <= accepted | unknown


async def test_orders_are_refused_when_the_log_was_cut_in_place(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        os.truncate(tmp_path / LOG, 0)
        assert eventually(lambda: "the journal failed" in server.log)
        assert f"{LOG} was cut to" in server.log


async def test_orders_are_refused_though_nobody_asks(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (tmp_path / LOG).unlink()
        assert eventually(lambda: "the journal failed" in server.log)
        assert eventually(lambda: not is_refusing(server)), "it is opened again: nothing was lost"


@pytest.mark.parametrize("names", [("journal.db",), ("journal.db", "journal.mark", LOG)])
async def test_without_its_database_orders_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    key(tmp_path)
    with serving(tmp_path) as server:
        assert eventually(lambda: durable_records(server) >= 3), "the epoch and two deposits"
        for name in names:
            (tmp_path / name).unlink()
        assert eventually(lambda: "the journal cannot be opened; orders are refused" in server.log), (
            server.log
        )
        assert is_refusing(server)
        assert metrics(server)['floorwire_feed_age_seconds{venue="sim"}'] < 10, "market data goes on"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["journal.db-shm", "keys.db-shm"])
async def test_of_a_process_that_ends_because_sqlites_index_was_cut_nothing_is_lost(
    tmp_path: Path, name: str
) -> None:
    """SQLite maps its -shm files into memory: who touches one that was cut gets SIGBUS."""
    issued = key(tmp_path)
    accepted = []
    with serving(tmp_path, *FREE) as server:
        async with trader(server, issued) as client:
            for number in range(ORDERS):
                assert (await client.place(f"order-{number}"))["status"] == "accepted"
                accepted.append(f"order-{number}")
            os.truncate(tmp_path / name, 0)
            with suppress(ConnectionClosed):
                assert (await client.place("one-more"))["status"] == "accepted"
                accepted.append("one-more")
        assert server.wait() == -signal.SIGBUS
    with serving(tmp_path, *FREE) as server:
        assert "orders are refused" not in server.log
        async with trader(server, issued) as client:
            rows = (await client.ask("orders"))["orders"]
            assert isinstance(rows, list)
            assert set(accepted) <= {row["client_order_id"] for row in rows if isinstance(row, dict)}
