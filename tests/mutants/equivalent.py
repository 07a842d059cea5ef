"""Mutants that no test can tell from the original, by what they change and not by place or number."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

TEXTS = (re.compile(r'"([^"]*)"'), re.compile(r"'([^']*)'"))
"""String literals, and those inside an f-string."""
LIST = Path(__file__).with_name("equivalent.toml")


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One mutant, or one kind of them.

    `line` and `becomes` are regular expressions for the whole line before and after, without its indentation.
    `module` is a regular expression too: where it holds, everywhere by default.
    """

    line: str
    becomes: str
    why: str
    module: str = ".*"


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    equivalent: list[Equivalent]


def is_wording(before: str, after: str) -> bool:
    """Say whether only the words of a sentence changed. Programs read codes and details, which are tested."""
    for found in (found for texts in TEXTS for found in texts.finditer(before) if " " in found[1]):
        text = found[1]
        for changed in (f"XX{text}XX", text.upper(), text.lower()):
            if before[: found.start(1)] + changed + before[found.end(1) :] == after:
                return True
    return False


class Equivalents:
    """The list, as patterns."""

    def __init__(self, listed: list[Equivalent]) -> None:
        self._patterns = [
            (re.compile(one.module), re.compile(one.line), re.compile(one.becomes)) for one in listed
        ]

    @classmethod
    def read(cls) -> Equivalents:
        return cls(msgspec.toml.decode(LIST.read_bytes(), type=Listed).equivalent)

    def has(self, module: str, diff: str) -> bool:
        """Say whether the mutant that the unified diff shows is listed."""
        lines = diff.splitlines()[2:]  # without the header
        before = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
        after = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
        return is_wording(before, after) or any(
            where.fullmatch(module) and old.fullmatch(before) and new.fullmatch(after)
            for where, old, new in self._patterns
        )
