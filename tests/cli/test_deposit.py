from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from floorwire.cli import application
from floorwire.storage.data_dir import DataDir
from floorwire.storage.key_store import Issued
from tests.trading.trader import amount, key, serving, trader


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FLOORWIRE_DATA", "FLOORWIRE_MASTER_KEY", "FLOORWIRE_VENUE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def alice(folder: Path) -> Issued:
    """A key of an account without money."""
    return key(folder, "alice", money={})


def run(folder: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(application(), ["deposit", *arguments, "--data", str(folder)])
    assert result.exit_code == code, result.output
    return result


def kept(folder: Path) -> list[tuple[str, str, str]]:
    """Return the deposits of the key store."""
    return [(one.account, one.asset, one.amount) for one in DataDir(folder, {}).keys.deposits()]


def test_money_is_added_without_a_key(folder: Path, alice: Issued) -> None:
    assert run(folder, "alice", "USDT=5", "btc=0.5").stdout == "deposited USDT=5, BTC=0.5 to alice\n"
    told = json.loads(run(folder, "alice", "USDT=7,ETH=1", "--json").stdout)
    assert told == {"account": "alice", "deposits": {"USDT": "7", "ETH": "1"}}
    assert kept(folder) == [
        ("alice", "USDT", "5"), ("alice", "BTC", "0.5"), ("alice", "USDT", "7"), ("alice", "ETH", "1"),
    ]  # fmt: skip
    assert len(DataDir(folder, {}).keys.list_keys()) == 1


def test_it_is_in_the_audit_log(folder: Path, alice: Issued) -> None:
    run(folder, "alice", "USDT=5")
    last = json.loads((folder / "audit.jsonl").read_text().splitlines()[-1])
    assert (last["event"], last["target"], last["how"]) == ("deposit", "alice USDT=5", "command line")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("alcie", "USDT=5"), "there is no account alcie; did you mean alice?"),
        (("zzz", "USDT=5"), "there is no account zzz; keys create makes one with a key"),
        (("al ice", "USDT=5"), "account: "),
        (("alice", "UDST=5"), "deposit: no market here trades UDST; did you mean USDT?"),
        (("alice", "USDT"), "deposit: 'USDT' is not like USDT=1000000"),
        (("alice", "USDT=5", "USDT=6"), "each asset once"),
        (("alice", "USDT=-5"), "deposit: "),
        (("alice", "USDT=5", "BTC=no"), "deposit: "),
    ],
)
def test_what_cannot_be_deposited_is_said_in_a_sentence(
    folder: Path, alice: Issued, arguments: tuple[str, ...], said: str
) -> None:
    assert said in run(folder, *arguments, code=2).stderr
    assert kept(folder) == []


def test_a_folder_that_is_not_there_is_not_made(folder: Path) -> None:
    assert "there is no data folder" in run(folder, "alice", "USDT=5", code=2).stderr
    assert not folder.exists()


def test_an_account_of_somebody_with_tokens_is_made(folder: Path, alice: Issued) -> None:
    run(folder, "tom", "USDT=5", "--new-account")
    run(folder, "tom", "USDT=6")
    assert kept(folder) == [("tom", "USDT", "5"), ("tom", "USDT", "6")]


async def test_a_running_server_credits_it_and_so_does_the_next_start(folder: Path, alice: Issued) -> None:
    await asyncio.to_thread(run, folder, "alice", "USDT=5")
    with serving(folder) as server:
        async with trader(server, alice, "balances") as client:
            assert amount(await client.rows("balances"), "USDT") == "5"
            for _ in range(2):
                await asyncio.to_thread(run, folder, "alice", "USDT=7")
            async with asyncio.timeout(30):
                while amount(await client.rows("balances"), "USDT") != "19":
                    await asyncio.sleep(0.05)
    with serving(folder) as server:
        async with trader(server, alice) as client:
            assert amount(await client.rows("balances"), "USDT") == "19", "each once"


def test_a_deposit_names_its_venue(folder: Path, alice: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOORWIRE_VENUE", "sim;small")
    monkeypatch.setenv("FLOORWIRE_VENUES__SMALL__KIND", "sim")
    monkeypatch.setenv("FLOORWIRE_VENUES__SMALL__SYMBOLS", "BTC-USDT")
    run(folder, "alice", "small:usdt=5", "USDT=6", "sim:ETH=1")
    assert kept(folder) == [("alice", "small:USDT", "5"), ("alice", "USDT", "6"), ("alice", "sim:ETH", "1")]
    for asset in ("small:ETH", "smal:USDT", "other:USDT"):
        assert f"no market here trades {asset}" in run(folder, "alice", f"{asset}=5", code=2).stderr
