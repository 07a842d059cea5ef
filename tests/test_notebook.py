"""The notebook of the examples: its cells run in order, and what is wrong is said in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.servers import Server, floorwire

NOTEBOOK = Path(__file__).parent.parent / "examples" / "notebook.ipynb"


class Cell(msgspec.Struct):
    cell_type: str
    source: list[str]
    outputs: list[msgspec.Raw] = []


class Notebook(msgspec.Struct):
    cells: list[Cell]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with floorwire("--seed", "7", "--set=history.simulated_past=true") as server:
        yield server


@pytest.fixture
def cells() -> list[Cell]:
    return msgspec.json.decode(NOTEBOOK.read_bytes(), type=Notebook).cells


def run(cells: list[Cell]) -> dict[str, object]:
    """Run the cells of code as a notebook does: one after the other, in the same names."""
    names: dict[str, object] = {}
    for cell in cells:
        if cell.cell_type == "code":
            exec("".join(cell.source), names)
    return names


def test_all_cells_run(
    server: Server, cells: list[Cell], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLOORWIRE_URL", server.ws().removesuffix("/ws"))
    frame = run(cells)["frame"]
    assert len(frame) == 24  # type: ignore[arg-type]
    assert capsys.readouterr().out.count("Ticker(") == 5


def test_it_is_kept_without_outputs(cells: list[Cell]) -> None:
    assert [cell.outputs for cell in cells if cell.outputs] == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FLOORWIRE_URL", "ws://127.0.0.1:9", "127.0.0.1:9"),
        ("FLOORWIRE_URL", "nonsense", "nonsense"),
        ("FLOORWIRE_KEY", f"fw0000000000000000.{'0' * 43}", "401"),
        ("FLOORWIRE_SYMBOL", "NO-SUCH", "unknown_symbol"),
    ],
)
def test_what_is_wrong_is_said(
    server: Server, cells: list[Cell], monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv("FLOORWIRE_URL", server.ws().removesuffix("/ws"))
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=said):
        run(cells)
