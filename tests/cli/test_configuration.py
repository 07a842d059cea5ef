"""``floorwire config``: what is in force, from where, and whether a server can use it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from floorwire.cli import application

APPLICATION = application(["config"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "floorwire.toml"
    path.write_text('venue = ["sim", "small"]\n[limits]\nconnections = 50\n[venues.small]\nkind = "sim"\n')
    return path


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.copy():
        if name.startswith("FLOORWIRE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FLOORWIRE_LIMITS__SUBSCRIPTIONS", "70")


def run(*arguments: str, code: int = 0) -> Result:
    ended = CliRunner().invoke(APPLICATION, ["config", *arguments])
    assert ended.exit_code == code, ended.output
    return ended


def test_each_setting_has_its_value_and_its_source(file: Path) -> None:
    shown = run("show", "--config", str(file), "--set", "port=8100", "--set", "limits.connections=60").stdout
    rows = dict(line.split("\t", 1) for line in shown.splitlines())
    assert rows["port"] == "8100\t--set"
    assert rows["limits.connections"] == "60\t--set"
    assert rows["limits.subscriptions"] == "70\tthe environment"
    assert rows["venues.small.kind"] == f'"sim"\t{file}'
    assert rows["host"] == '"127.0.0.1"\tdefault'


def test_only_what_is_set_or_asked_for(file: Path) -> None:
    changed = run("show", "--changed", "--config", str(file)).stdout.splitlines()
    assert [line.split("\t")[0] for line in changed] == [
        "venue", "limits.connections", "limits.subscriptions", "venues.small.kind",
    ]  # fmt: skip
    group = run("show", "ping", "host", "--json").stdout
    assert [row["name"] for row in json.loads(group)] == ["host", "ping.interval_s", "ping.timeout_s"]
    assert "there is no setting and no group 'pong'" in run("show", "pong", code=2).stderr


def test_settings_that_a_server_can_use(file: Path) -> None:
    said = run("check", "--config", str(file)).stdout
    assert "venue small (sim): paper orders" in said
    assert said.endswith("a server can use these settings\n")
    told = json.loads(run("check", "--config", str(file), "--json").stdout)
    assert [venue["id"] for venue in told["venues"]] == ["sim", "small"]
    assert {row["name"] for row in told["changed"]} >= {"limits.connections", "limits.subscriptions"}


def test_what_is_checked_says_nothing_beside_its_json() -> None:
    said = run("check", "--set", "venue=binance", "--json").stdout
    assert [venue["id"] for venue in json.loads(said)["venues"]] == ["binance"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("limits.conections=5", "did you mean limits.connections?"),
        ("limits.connections=-1", "limits.connections takes a whole number"),
        ("venue=nobody", "'nobody' is none of"),
        ("venue=replay:/nonexistent", "there is no such file or folder"),
        ("tls.cert=/nonexistent", "give both the certificate and its key"),
    ],
)
def test_settings_that_it_cannot_use_end_with_the_servers_sentence(given: str, said: str) -> None:
    ended = run("check", "--set", given, code=2)
    assert ended.stderr.startswith("floorwire: ")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_secret_that_is_missing_is_found(tmp_path: Path) -> None:
    given = ["venues.x.kind=kraken", "venue=x", "venues.x.key=abc", "venues.x.secret_env=NO_SUCH_VARIABLE"]
    assignments = [part for one in given for part in ("--set", one)]
    assert "venues.x.secret_env" in run("check", *assignments, code=2).stderr
