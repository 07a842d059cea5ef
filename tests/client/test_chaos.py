"""Through a proxy that cuts, stalls and delays: no silent loss, every order's outcome known, none twice."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.client.chaos_run import SETTINGS, chaos
from tests.trading.trader import serving

SEED = 20_260_111


async def test_three_clients_for_some_seconds(tmp_path: Path) -> None:
    with serving(tmp_path, *SETTINGS) as server:
        print(f"seed {SEED}:", await chaos(server, tmp_path, clients=3, seconds=3, longest_s=2, seed=SEED))


@pytest.mark.slow
async def test_twenty_clients_for_two_minutes(tmp_path: Path) -> None:
    logging.getLogger("floorwire.client").setLevel(logging.ERROR)
    with serving(tmp_path, *SETTINGS) as server:
        print(
            f"seed {SEED}:", await chaos(server, tmp_path, clients=20, seconds=120, longest_s=10, seed=SEED)
        )
