"""How commands for operators end when the server, the key, or the line between is not as it should be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from floorwire.cli import admin_client, application
from floorwire.core.authorization import Scope
from floorwire.storage.key_store import Issued
from tests.cli.operator import key_file, operate, written
from tests.dripping_server import dripping
from tests.servers import Server
from tests.trading.trader import serving
from tests.web import certificates

WRONG = Issued("fw0000000000000000", "x" * 43)


@pytest.fixture(scope="module")
def trading(folder: Path) -> Path:
    return key_file(folder, "trader", (Scope.TRADE,))


@pytest.fixture(scope="module")
def made(folder: Path) -> Path:
    """Return a file with what ``keys create`` printed."""
    wanted = ["--account", "made", "--scopes", "admin", "--json", "--data", str(folder)]
    path = folder.with_name("made.key")
    path.touch(0o600)
    path.write_text(CliRunner().invoke(application(), ["keys", "create", *wanted]).stdout)
    return path


@pytest.fixture(scope="module")
def server(folder: Path, file: Path, trading: Path, made: Path) -> Iterator[Server]:
    with serving(folder) as running:
        yield running


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """Yield the address of a listener that answers one request with this, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_one() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.settimeout(5)
                accepted.recv(65_536)
                accepted.sendall(answer)

        thread = threading.Thread(target=answer_one)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_server_that_is_down(file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    said = operate(url, file, "halts", code=3)
    assert said.stderr.startswith(f"floorwire: {url} cannot be reached: ")


def test_a_halt_whose_answer_is_lost_may_have_been_done(file: Path) -> None:
    with saying(b"") as url:
        said = operate(url, file, "halt", "all", code=3).stderr
    assert "it may have been done or not: look with `floorwire halts`" in said
    with saying(b"") as url:
        assert "may have been" not in operate(url, file, "halts", code=3).stderr


def test_a_server_that_says_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_client, "TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert "did not answer: no answer in time" in operate(url, file, "halts", code=3).stderr


def test_an_answer_that_drips_is_no_answer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_client, "ANSWER_S", 0.2)
    with dripping() as port:
        said = operate(f"http://127.0.0.1:{port}", file, "halt", "all", code=3).stderr
    assert "did not answer: no answer in time; it may have been done or not" in said


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhome",
        b"HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_a_server_that_is_another(file: Path, answer: bytes) -> None:
    with saying(answer) as url:
        assert "not as Floorwire does" in operate(url, file, "halts", code=3).stderr


def test_a_key_that_is_wrong_or_no_admins(server: Server, trading: Path, tmp_path: Path) -> None:
    wrong = written(tmp_path / "wrong.key", WRONG)
    assert "bad_signature" in operate(server.http(), wrong, "halt", "all", code=4).stderr
    said = operate(server.http(), trading, "halts", code=4).stderr
    assert "forbidden: halts.list needs the scope admin" in said


def test_a_certificate_that_is_signed_by_itself_is_named(tmp_path: Path) -> None:
    cert, tls_key = certificates.write(tmp_path)
    folder = tmp_path / "data"
    file = key_file(folder)
    with serving(folder, "--tls-cert", str(cert), "--tls-key", str(tls_key)) as server:
        url = server.http().replace("http:", "https:")
        said = operate(url, file, "halts", code=3).stderr
        assert "its certificate is not trusted: self-signed certificate" in said
        assert "--ca cert.pem" in said
        assert operate(url, file, "halts", "--ca", str(cert)).stdout == "nothing is halted\n"
        assert operate(server.http(), file, "halts", code=3).stderr
    assert "--ca: " in operate(url, file, "halts", "--ca", "nowhere.pem", code=2).stderr


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://192.0.2.1:8000", "the key would be seen on the way; use https://"),
        ("http://desk.example", "the key would be seen on the way; use https://"),
        ("ws://127.0.0.1:8000/ws", "is no http:// or https:// address"),
        ("http://127.0.0.1:port", "is no http:// or https:// address"),
    ],
)
def test_an_address_that_no_key_is_sent_to(file: Path, url: str, why: str) -> None:
    assert why in operate(url, file, "halts", code=2).stderr


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("fw1.secret", 0o644, "others may read or change it; make a new secret, then run: chmod 600"),
        ("", 0o600, "has to hold KEY.SECRET"),
        ("two words", 0o600, "has to hold KEY.SECRET"),
        ('{"key": "fw1"}', 0o600, "missing required field `secret`"),
    ],
)
def test_a_file_that_holds_no_usable_key(tmp_path: Path, text: str, mode: int, why: str) -> None:
    path = tmp_path / "some.key"
    path.write_text(text)
    path.chmod(mode)
    said = operate("http://127.0.0.1:1", path, "halts", code=2).stderr
    assert why in said
    assert "fw1.secret" not in said


def test_without_a_key_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    said = operate("http://127.0.0.1:1", tmp_path / "none", "halts", code=2).stderr
    assert "floorwire keys create --account ops --scopes admin --json" in said


def test_the_environment_may_say_where_and_with_which_key(
    server: Server, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOORWIRE_KEY_FILE", raising=False)
    monkeypatch.setenv("FLOORWIRE_URL", server.http())
    monkeypatch.setenv("FLOORWIRE_KEY", file.read_text())
    assert CliRunner().invoke(application(), ["halts"]).stdout == "nothing is halted\n"


def test_what_keys_create_prints_is_a_key_file(server: Server, made: Path) -> None:
    operate(server.http(), made, "halts")
