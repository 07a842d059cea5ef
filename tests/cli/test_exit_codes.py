"""One table of exit codes: in the code, in docs/commands.md, and in what each command really ends with."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from floorwire.cli import exit_codes
from floorwire.cli.exit_codes import ExitCode

CLI = Path(exit_codes.__file__).parent
TABLE = Path("docs/commands.md")
ROW = re.compile(r"^\| (\d+) \| ", re.MULTILINE)


def test_the_document_has_the_same_codes() -> None:
    section = TABLE.read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    assert [int(code) for code in ROW.findall(section)] == [int(code) for code in ExitCode]


def exits(path: Path) -> list[str]:
    """Return what a source gives typer.Exit, in words."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return [
        ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func) == "typer.Exit" and call.args
    ]


def test_no_command_ends_with_a_number_of_its_own() -> None:
    given = {argument for path in CLI.rglob("*.py") for argument in exits(path)}
    assert given == {"ExitCode.FAILED", "ExitCode.UNUSABLE", "exit_code"} & given
    assert "ExitCode.FAILED" in given
