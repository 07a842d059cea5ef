"""The page of the commands."""

from __future__ import annotations

import re

import typer
from typer.cli import get_docs_for_click

from docsite.markdown import WRITTEN
from floorwire.cli import application

LISTED = re.compile(r"^\* `([a-z][a-z-]*)`: .*$", re.MULTILINE)
"""A line of a list of commands. Typer cuts what it says of them after 45 characters."""


def page() -> str:
    """Return the page: what ``--help`` of each command says."""
    command = typer.main.get_command(application())
    context = typer.Context(command, info_name="floorwire", **command.context_settings)
    text = get_docs_for_click(obj=command, ctx=context, name="floorwire")
    sections = re.split(r"(?m)^(?=#+ `)", text.replace("**Usage**:\n\n```console\n$ ", "```console\n$ "))
    body = "".join(_with_links(section) for section in sections)
    preface = f"# Commands\n\n{WRITTEN.format(source='what `--help` of each command says')}\n\n"
    return preface + body.replace("# `floorwire`\n", "## `floorwire`\n", 1).rstrip() + "\n"


def _with_links(section: str) -> str:
    title = re.match(r"#+ `(.*)`", section)
    prefix = title[1].replace(" ", "-") if title else ""
    return LISTED.sub(rf"* [`\1`](#{prefix}-\1)", section)
