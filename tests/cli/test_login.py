"""``floorwire login``: a server's address, key and CA are given once; the key goes nowhere else."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from floorwire.cli import application
from floorwire.storage.key_store import Issued
from tests.cli.operator import written
from tests.cli.test_output import HALTS, answering
from tests.servers import Server
from tests.trading.trader import serving
from tests.web import certificates

NAMES = ("URL", "KEY", "KEY_FILE", "CA", "PROFILE", "PORT")
WRONG = "fw0000000000000000." + "x" * 43


@pytest.fixture(scope="module")
def server(folder: Path, file: Path) -> Iterator[Server]:
    with serving(folder) as running:
        yield running


@pytest.fixture(autouse=True)
def settings_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NAMES:
        monkeypatch.delenv(f"FLOORWIRE_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "config"


def run(*arguments: str, code: int = 0, typed: str | None = None) -> Result:
    ended = CliRunner().invoke(application([arguments[0]]), arguments, input=typed, catch_exceptions=False)
    assert ended.exit_code == code, ended.output
    return ended


def test_what_was_kept_is_used_by_other_commands(server: Server, file: Path, settings_folder: Path) -> None:
    said = run("login", "desk", "--url", server.ws(), "--key-file", str(file)).stdout
    kept = settings_folder / "floorwire" / "profiles.json"
    assert said == f"commands use desk: {server.http('')}; it is kept in {kept}\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert "nothing is halted" in run("halts").stdout
    assert "nothing is halted" in run("halts", "--profile", "desk").stdout
    rows = json.loads(run("profiles", "--json").stdout)
    assert rows == [
        {
            "name": "desk",
            "url": server.http(""),
            "key": file.read_text().partition(".")[0],
            "ca": None,
            "in_use": True,
        }
    ]
    shown = run("profiles").stdout
    assert file.read_text().strip().partition(".")[2] not in shown


def test_the_key_comes_from_a_pipe(server: Server, file: Path) -> None:
    run("login", "desk", "--url", server.http(""), typed=file.read_text())
    assert "nothing is halted" in run("halts").stdout


def test_one_of_several_is_in_use(server: Server, file: Path) -> None:
    run("login", "desk", "--url", server.http(""), "--key-file", str(file))
    run("login", "other", "--url", "http://127.0.0.1:1", "--no-key", "--no-check")
    assert "127.0.0.1:1: " not in run("halts", "--profile", "desk").stdout
    assert "has no key" in run("halts", code=4).stderr
    run("login", "desk")
    assert "nothing is halted" in run("halts").stdout
    assert json.loads(run("logout", "desk", "--json").stdout)["in_use"] is False
    assert run("logout", "other").stdout.startswith("forgotten: other")
    assert run("profiles").stdout.startswith("no server is kept")


def test_a_key_goes_only_to_its_own_server(server: Server, file: Path) -> None:
    run("login", "desk", "--url", server.http(""), "--key-file", str(file))
    with answering(HALTS) as other:
        said = run("halts", "--url", other, code=2).stderr
        assert said.startswith("floorwire: no key: "), "that of the profile is not looked at"
        run("halts", "--url", other, "--key-file", str(file))
    assert (
        "--url and --profile desk"
        in run("halts", "--url", "http://127.0.0.1:1", "--profile", "desk", code=2).stderr
    )


def test_what_is_not_good_is_not_kept(server: Server, tmp_path: Path, settings_folder: Path) -> None:
    file = written(tmp_path / "wrong.key", Issued(*WRONG.split(".")))
    said = run("login", "desk", "--url", server.http(""), "--key-file", str(file), code=4).stderr
    assert "Nothing was kept" in said
    assert WRONG not in said
    unreached = ("login", "desk", "--url", "http://127.0.0.1:1", "--key-file", str(file))
    assert "cannot be reached" in run(*unreached, code=3).stderr
    assert (
        "the key would be seen on the way"
        in run("login", "d", "--url", "http://192.0.2.1", typed=WRONG, code=2).stderr
    )
    assert "is no ws://" in run("login", "d", "--url", "ftp://x", typed=WRONG, code=2).stderr
    assert "has to hold KEY.SECRET" in run("login", "d", "--url", server.http(""), typed="\n", code=2).stderr
    assert "is no name of a profile" in run("login", "Up", "--url", server.http(""), code=2).stderr
    assert "there is no profile 'nobody'" in run("login", "nobody", code=2).stderr
    assert "there is no profile 'nobody'" in run("halts", "--profile", "nobody", code=2).stderr
    assert "to change nobody" in run("login", "nobody", "--no-key", code=2).stderr
    assert not settings_folder.exists()


def test_a_file_that_others_may_read_or_that_is_damaged_is_refused(settings_folder: Path) -> None:
    run("login", "desk", "--url", "http://127.0.0.1:1", "--no-key", "--no-check")
    kept = settings_folder / "floorwire" / "profiles.json"
    kept.chmod(0o644)
    assert "chmod 600" in run("halts", code=2).stderr
    kept.chmod(0o600)
    kept.write_text("{")
    assert "log in again" in run("profiles", code=2).stderr


def test_the_certificate_is_remembered(
    folder: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, private = certificates.write(tmp_path)
    with serving(folder.with_name("unused"), f"--tls-cert={cert}", f"--tls-key={private}") as secure:
        url = f"https://localhost:{secure.port}"
        monkeypatch.chdir(tmp_path)
        run("login", "desk", "--url", url, "--no-key", "--ca", cert.name)
        monkeypatch.chdir("/")
        said = run("top", "--count", "1", "--interval", "0.2", "--json").stdout
        assert json.loads(said)["connections"] == 0
