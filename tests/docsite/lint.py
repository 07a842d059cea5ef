"""Looks at blocks that do not run: do they parse, and do our commands in them have these options?"""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import tomllib
from typing import Final

import typer
import yaml

from floorwire.cli import application
from tests.docsite.blocks import Block

OURS: Final = re.compile(r"^(?:.*\s)?(?:\S*/bin/)?floorwire (?P<words>[a-z].*)$")
"""A line that runs a command of ours, by whatever runs it."""


def lint(block: Block) -> None:
    """Fail if the block is no program of its language, or gives a command of ours what it does not take."""
    match block.language:
        case "sh":
            subprocess.run(["sh", "-n", "-c", block.text], check=True)
            for line in block.text.splitlines():
                _lint_command(line)
        case "python":
            compile(block.text, block.title, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        case "json":
            json.loads(block.text)
        case "toml":
            tomllib.loads(block.text)
        case "yaml":
            yaml.safe_load(block.text)
        case _:
            pass


def _lint_command(line: str) -> None:
    found = OURS.match(line)
    if found is None:
        return
    words = shlex.split(found["words"], comments=True)
    command = typer.main.get_command(application([words[0]]))
    while isinstance(command, typer.core.TyperGroup) and words:
        name, *words = words
        assert name in command.commands, f"{line}: there is no {name}"
        command = command.commands[name]
    options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    given = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert given <= options, f"{line}: {given - options}"
