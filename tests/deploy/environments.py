"""Empty environments that packages are installed into, with the registry's newest of what they need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.deploy.debian_programs import ROOT

LEFT_OUT = ("PYTHONPATH", "PURE_PYTHON", "PYTHONDONTWRITEBYTECODE")
"""What the tests have, and somebody who installs a package has not."""


def clean() -> dict[str, str]:
    """Return the environment's variables without those of the tests."""
    return {name: value for name, value in os.environ.items() if name not in LEFT_OUT}


def output_outside(*command: str, folder: Path | None = None, **own: str) -> str:
    """Run a command as somebody who has only installed a package does; return what it prints."""
    run = subprocess.run(
        command,
        cwd=folder,
        env={**clean(), **own},
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


class Environment:
    """A virtual environment of its own in another folder than ours."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder = folder
        subprocess.run([os.path.realpath(python), "-m", "venv", str(folder)], check=True, env=clean())
        self.python = str(folder / "bin" / "python")

    def run(self, *arguments: str) -> str:
        """Run its Python in its folder; return what it prints. It has to succeed."""
        return output_outside(self.python, *arguments, folder=self.folder)

    def install(self, *arguments: str) -> None:
        """Install packages. Nothing is compiled to bytecode before it is used."""
        self.run("-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile", *arguments)

    def versions(self) -> dict[str, str]:
        """Return what is installed, by name."""
        listed = self.run("-m", "pip", "list", "--disable-pip-version-check", "--format", "json")
        return {one["name"].lower(): one["version"] for one in json.loads(listed)}

    def smoke(self, kind: str) -> str:
        """Try what is installed."""
        return self.run("-P", str(ROOT / "packages" / "smoke.py"), kind)
