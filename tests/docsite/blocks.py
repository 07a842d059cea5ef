"""The code blocks of a page, each with what a comment above it tells the tests.

A comment ``<!-- test: ... -->`` on the line above a block is not shown to readers. It says:

    await              Python with ``await``. ``fw`` is a client of the server, unless the block makes it
    serve              a shell command that runs until the end of the page; it prints the server's address
    3 lines            what the block runs goes on by itself: so many lines are read, then it gets Ctrl-C
    websocket /ws      a conversation: lines with > are sent there, and lines with < are what comes back
    output             what a command prints: for readers, nobody compares it
    fails              the command ends with an exit code that is not zero, and with a sentence
    not run, REASON    it is only looked at: does it parse, and do our commands in it have these options?

``KEY.SECRET`` is the key of the file ``key.json``, if an earlier block made it. Without a comment, shell and
Python run and have to end well, and JSON and TOML are only parsed. A block with a title is a file of that
name: it is written, and run by a later block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

FENCE: Final = re.compile(
    r"(?:^<!-- test: (?P<told>[^\n]+?) -->\n)?^```(?P<language>[a-z]*)(?P<info>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
TITLE: Final = re.compile(r'title="([^"]+)"')
INDENTED: Final = re.compile(r"^(?: {4}|\t)\S", re.MULTILINE)
LANGUAGES: Final = ("sh", "python", "json", "toml", "yaml", "text", "mermaid")


class Block(msgspec.Struct, frozen=True):
    """One code block. ``title``: the file that it is, or empty."""

    line: int
    language: str
    told: str
    title: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in their order."""
    text = page.read_text()
    for found in FENCE.finditer(text):
        title = TITLE.search(found["info"])
        yield Block(
            line=text.count("\n", 0, found.start("language")) + 1,
            language=found["language"],
            told=found["told"] or "",
            title=title[1] if title else "",
            text=found["text"],
        )


def without_blocks(page: Path) -> str:
    """Return the text of a page without its blocks."""
    return FENCE.sub("", page.read_text())
