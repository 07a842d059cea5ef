"""What the documents name exists: files, and the functions on the way of a tick and of an order."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "src" / "floorwire"
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md"])
FILE = re.compile(r"`(?:src/floorwire/)?((?:[a-z_0-9]+/)*[a-z_0-9]+\.(?:py|pxd|c|h|js))`")
ELSEWHERE = ("tests/", "examples/", "benchmarks/", "docs/", "docsite/")


def exists(name: str) -> bool:
    if name.startswith(ELSEWHERE) or (ROOT / name).exists():
        return (ROOT / name).exists()
    return (SOURCES / name).exists() or ("/" not in name and any(SOURCES.rglob(name)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    of_reader = set(re.findall(r'title="([^"]+)"', text))  # who follows the page writes these
    named = FILE.findall(text)
    assert [name for name in named if name not in of_reader and not exists(name)] == []


LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_file_that_a_page_links_to_exists(page: Path) -> None:
    targets = LINK.findall(re.sub(r"(?ms)^```.*?^```$", "", page.read_text()))
    assert [target for target in targets if not (page.parent / target).exists()] == []


FUNCTION = re.compile(r"`((?:[a-z_0-9]+/)*[a-z_0-9]+\.py):([A-Za-z_.]+)`")
DESIGN = (ROOT / "docs" / "design.md").read_text()


def functions_of(file: Path) -> set[str]:
    """Return the functions of a file, those of classes as ``Class.function``, and imported names."""
    found: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.ClassDef():
                functions = (
                    one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
                )
                found |= {f"{node.name}.{one.name}" for one in functions}
            case ast.Assign() | ast.ImportFrom() | ast.Try():
                found |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                found |= {one.asname or one.name for one in ast.walk(node) if isinstance(one, ast.alias)}
    return found


@pytest.mark.parametrize(("name", "function"), FUNCTION.findall(DESIGN))
def test_every_function_on_the_ways_exists(name: str, function: str) -> None:
    assert function in functions_of(SOURCES / name)


def test_the_ways_are_whole() -> None:
    for heading, least in (("tick", 12), ("order", 15), ("sign-in", 5)):
        section = (
            DESIGN.partition(f"## The way of a {heading}\n")[2]
            or DESIGN.partition(f"## The way of an {heading}\n")[2]
        )
        assert len(FUNCTION.findall(section.partition("\n## ")[0])) >= least, heading
