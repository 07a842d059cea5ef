"""Runs a Dockerfile's steps as plain commands, where there is no container engine.

Each stage is a throw-away copy of this machine's files: an overlay, which takes all that is written. So the
base image is this machine, with the Python that runs the tests. It needs root, and Linux.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

PASSED = ("PIP_CERT", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY")
"""What pip needs where the registry is reached in a way of its own."""


class Instruction(msgspec.Struct, frozen=True):
    """``RUN``, ``COPY`` and others, with what follows."""

    word: str
    rest: str


class Stage(msgspec.Struct, frozen=True):
    """What follows a ``FROM``. ``name``: of ``AS name``."""

    base: str
    name: str
    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[str]:
        """Return what follows each of these words."""
        return [one.rest for one in self.instructions if one.word == word]

    def last(self, word: str) -> str:
        """Return what follows the last of these words."""
        return self.all(word)[-1]

    def variables(self) -> dict[str, str]:
        """Return what ENV sets."""
        words = [word for text in self.all("ENV") for word in shlex.split(text)]
        return {name: value for name, _, value in (word.partition("=") for word in words)}


def stages(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found: list[tuple[str, list[Instruction]]] = []
    for line in filter(None, map(str.strip, whole.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append((rest, []))
        else:
            found[-1][1].append(Instruction(word, rest.strip()))
    made = []
    for start, instructions in found:
        base, _, name = start.partition(" AS ")
        made.append(Stage(base, name, tuple(instructions)))
    return made


class Root:
    """The files of a stage, and what its ENV, WORKDIR and USER said so far."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self.environment = dict(environment)
        self.folder = "/"
        self.user = "0"

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the command that runs these arguments in here, as the user and in the folder."""
        changed = ["chroot", f"--userspec={self.user}:{self.user}", str(self.path), "/usr/bin/env", "-i"]
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return [
            *changed,
            *variables,
            "sh",
            "-euc",
            f'cd {shlex.quote(self.folder)} && exec "$@"',
            "sh",
            *arguments,
        ]

    def run(self, *arguments: str) -> str:
        """Run a command in here, which has to succeed; return what it prints."""
        run = subprocess.run(
            self.command(arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert run.returncode == 0, run.stdout
        return run.stdout


def can_run() -> bool:
    """Return whether this machine can make an overlay of itself."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    with TemporaryDirectory() as folder:
        try:
            with overlay(Path(folder)):
                return True
        except subprocess.CalledProcessError:
            return False


@contextmanager
def overlay(folder: Path) -> Iterator[Path]:
    """Yield a throw-away copy of this machine's files, with /dev and /proc."""
    root = folder / "root"
    for name in ("root", "upper", "work"):
        (folder / name).mkdir()
    options = f"lowerdir=/,upperdir={folder / 'upper'},workdir={folder / 'work'}"
    subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", options, str(root)], check=True, capture_output=True
    )
    try:
        subprocess.run(["mount", "--bind", "/dev", str(root / "dev")], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(root / "tmp")], check=True)
        yield root
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", str(root)], check=True)


def base(path: Path) -> Root:
    """Return the root with what the base image has: ``python``, which every user may run."""
    python = Path(os.path.realpath(sys.executable))
    for name in ("python", "python3"):
        link = path / str(python.with_name(name)).removeprefix("/")
        if not link.exists():
            link.symlink_to(python.name)
    for parent in python.parents:
        (path / str(parent).removeprefix("/")).chmod(0o755)
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    paths = f"{python.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return Root(path, {"PATH": paths, "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive", **passed})


def build(stage: Stage, root: Root, context: Path, made: Mapping[str, Root]) -> None:
    """Do what the stage says. ``context``: the folder that COPY reads. ``made``: earlier stages by name."""
    for one in stage.instructions:
        match one.word:
            case "RUN":
                root.run("sh", "-euc", one.rest)
            case "WORKDIR":
                root.folder = one.rest
                (root.path / one.rest.removeprefix("/")).mkdir(parents=True, exist_ok=True)
            case "COPY":
                _copy(one.rest, root, context, made)
            case "ENV":
                for name, value in Stage("", "", (one,)).variables().items():
                    root.environment[name] = value.replace("$PATH", root.environment["PATH"])
            case "USER":
                root.user = one.rest
            case "VOLUME" | "EXPOSE" | "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
                pass
            case _:
                raise AssertionError(f"{one.word} is not known here")


def _copy(rest: str, root: Root, context: Path, made: Mapping[str, Root]) -> None:
    *sources, target = rest.split()
    origin = context
    if sources[0].startswith("--from="):
        origin = made[sources.pop(0).removeprefix("--from=")].path
    folder = root.path / os.path.join(root.folder, target).removeprefix("/")
    for source in sources:
        path = origin / source.removeprefix("/")
        if path.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.so", "compiled_*", "*.egg-info")
            shutil.copytree(
                path, folder, symlinks=True, dirs_exist_ok=True, ignore=None if origin != context else ignored
            )
        else:
            shutil.copy(path, folder)


def words(text: str) -> list[str]:
    """Return the arguments of ENTRYPOINT, CMD or HEALTHCHECK ... CMD in its JSON form."""
    found: list[str] = json.loads(text[text.index("[") :])
    return found
