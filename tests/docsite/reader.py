"""Somebody who reads a page from top to bottom, and does what it says, in a clone of the repository.

The commands run as they are written, but for three things: the port is a free one, KEY.SECRET is a key, and
the clone has only the Makefile, the examples, some recordings, and a ``.venv`` whose programs are those that
run the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import indent
from typing import Final, TypeAlias

from websockets.sync.client import connect

from tests.docsite.blocks import Block
from tests.docsite.lint import lint
from tests.servers import Server, running

ROOT: Final = Path(__file__).parents[2]
ENDS_WITHIN_S: Final = 120
PORT: Final = re.compile(r"(?<=[a-z0-9]):8000\b")
OF_MAKEFILE: Final = re.compile(r"^\$\(VENV\)/\.sources: (?P<names>.*)$", re.MULTILINE)
COMPILED: Final = (
    "src/floorwire/hub/sendloop.c",
    "src/floorwire/storage/block_writer.c",
    "src/floorwire/compiled.py",
    "src/floorwire/slots.h",
)
"""What the Makefile looks at the age of, beside what one of its lines names."""
ADDRESS: Final = "ws://localhost:8000"
IN_CLIENT: Final = """
import asyncio
from floorwire.client import *

async def main():
    async with asyncio.timeout({patience_s}):
{text}
asyncio.run(main())
"""
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


class Reader:
    """Runs the blocks of one page, in a folder of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._clone, self._home = folder / "clone", folder / "home"
        self._stack = stack
        self._server: Server | None = None
        self._clone.mkdir()
        self._home.mkdir()
        self._make_clone()

    def do(self, block: Block) -> None:
        """Do what one block says."""
        told, _, rest = block.told.partition(" ")
        text = self._with_key(self._with_port(block.text))
        if block.title:
            (self._clone / block.title).write_text(text)
            return
        match told:
            case "not":
                lint(block)
            case "output":
                return
            case "await":
                ended = self._end(
                    [str(self._python()), "-c", self._with_key(in_client(text, self._with_port(ADDRESS)))]
                )
                assert ended.returncode == 0, ended.stdout + ended.stderr
            case "serve":
                self._serve(text)
            case "websocket":
                self._converse(text, rest)
            case "fails":
                ended = self._end(self._program(block, text))
                assert ended.returncode != 0
                assert "Traceback" not in ended.stderr
                assert ended.stderr.strip()
            case "":
                self._run(block, text)
            case count:
                assert rest == "lines"
                self._read_lines(self._program(block, text), int(count))

    def _run(self, block: Block, text: str) -> None:
        match block.language:
            case "json":
                json.loads(text)
            case "toml":
                tomllib.loads(text)
            case "sh" | "python":
                ended = self._end(self._program(block, text))
                assert ended.returncode == 0, ended.stdout + ended.stderr
            case "mermaid":
                pass
            case other:
                raise AssertionError(f"{other}: say what this block is, in a comment above it")

    def _program(self, block: Block, text: str) -> list[str]:
        if block.language == "sh":
            return ["sh", "-e", "-c", text]
        assert block.language == "python", block.language
        return [str(self._python()), "-u", "-c", text]

    def _python(self) -> Path:
        return self._clone / ".venv" / "bin" / "python"

    def _serve(self, text: str) -> None:
        assert self._server is None, "one server for each page"
        assert text.count("\n") == 1, "one command, which the server replaces"
        variables = [f"{name}={value}" for name, value in self._environment("0").items()]
        shell = ["sh", "-c", f"cd '{self._clone}' && exec {text}"]
        self._server = self._stack.enter_context(running(["env", *variables, *shell]))

    def _end(self, program: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            program,
            cwd=self._clone,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
            check=False,
        )

    def _read_lines(self, program: list[str], count: int) -> None:
        with subprocess.Popen(
            program,
            cwd=self._clone,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the shell and what it runs
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(count)]
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            said = process.communicate(timeout=ENDS_WITHIN_S)[1]
        assert all(lines), said
        assert "Traceback" not in said or said.rstrip().endswith("KeyboardInterrupt"), said

    def _converse(self, text: str, path: str) -> None:
        assert self._server is not None
        with connect(self._server.ws(path)) as socket:
            for line in text.splitlines():
                way, _, message = line.partition(" ")
                if way == ">":
                    socket.send(message)
                else:
                    assert way == "<", line
                    _compare(json.loads(socket.recv(timeout=ENDS_WITHIN_S)), message)

    def _with_port(self, text: str) -> str:
        return text if self._server is None else PORT.sub(f":{self._server.port}", text)

    def _with_key(self, text: str) -> str:
        file = self._clone / "key.json"
        if not file.exists():
            return text
        issued = json.loads(file.read_text())
        return text.replace("KEY.SECRET", f"{issued['key']}.{issued['secret']}")

    def _environment(self, port: str = "") -> Mapping[str, str]:
        number = port or ("" if self._server is None else str(self._server.port))
        binaries = f"{self._clone / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        found = {"HOME": str(self._home), "PYTHONPATH": str(ROOT / "src"), "PATH": binaries}
        return os.environ | found | ({"FLOORWIRE_PORT": number} if number else {})

    def _make_clone(self) -> None:
        shutil.copy(ROOT / "Makefile", self._clone)
        (self._clone / "tests").mkdir()
        for name in ("examples", "tests/recorded"):
            (self._clone / name).symlink_to(ROOT / name)
        needed = OF_MAKEFILE.search((ROOT / "Makefile").read_text())
        assert needed is not None
        for name in (*needed["names"].split(), *COMPILED):
            (self._clone / name).parent.mkdir(parents=True, exist_ok=True)
            (self._clone / name).touch()
        binaries = self._clone / ".venv" / "bin"
        binaries.mkdir(parents=True)
        for name, command in (("python", ""), ("floorwire", "-m floorwire"), ("uvicorn", "-m uvicorn")):
            (binaries / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
            (binaries / name).chmod(0o755)
        for done in (".sources", ".compiled"):
            (self._clone / ".venv" / done).touch()


def in_client(text: str, address: str) -> str:
    """Return a program that does what the block says in a function, with a client ``fw`` if it makes none."""
    if " as fw:" not in text:
        text = f'async with Client("{address}", key="KEY.SECRET") as fw:\n{indent(text, " " * 4)}'
    return IN_CLIENT.format(patience_s=ENDS_WITHIN_S, text=indent(text, " " * 8))


def _compare(message: Json, shown: str) -> None:
    """Compare a message with one that a page shows. ``...``: it has more fields."""
    assert isinstance(message, dict)
    has_more = shown.endswith(", ...}")
    expected = json.loads(shown.removesuffix(", ...}") + "}" if has_more else shown)
    if has_more:
        assert expected.keys() <= message.keys()
    else:
        assert expected.keys() == message.keys()
    for field in ("status", "channel", "symbol", "id"):
        assert message.get(field) == expected.get(field)


@contextmanager
def reading(folder: Path) -> Iterator[Reader]:
    """Give a reader, and stop the server that it started."""
    with ExitStack() as stack:
        yield Reader(folder, stack)
