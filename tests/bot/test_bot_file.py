"""Bots of a file, and the sentences where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.bot.bot_file import BotFileError, load

ONE = "from floorwire.bot import Bot\nclass A(Bot):\n    fast: int = 1\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "mine.py"
    file.write_text(text)
    return file


def test_the_bot_of_a_file_and_of_a_changed_one(tmp_path: Path) -> None:
    file = write(tmp_path, ONE)
    first = load(file)
    assert (first.__name__, getattr(first, "fast", 0)) == ("A", 1)
    write(tmp_path, ONE.replace("= 1", "= 2"))
    assert getattr(load(file), "fast", 0) == 2
    assert getattr(first, "fast", 0) == 1


def test_it_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_a_bot.py").write_text("FAST = 7\n")
    file = write(tmp_path, "from neighbour_of_a_bot import FAST\n" + ONE + "    slow: int = FAST\n")
    assert getattr(load(file), "slow", 0) == 7


def test_one_of_several_has_to_be_named(tmp_path: Path) -> None:
    file = write(tmp_path, ONE + "class B(A):\n    pass\n")
    assert load(file, "B").__name__ == "B"
    with pytest.raises(BotFileError, match="has the bots A, B: say which, --bot NAME"):
        load(file)
    with pytest.raises(BotFileError, match="has no bot 'C'; it has A, B"):
        load(file, "C")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1\n", "mine.py has no class that is a Bot of floorwire.bot"),
        ("\n\n1 / 0\n", "mine.py:3: ZeroDivisionError: division by zero"),
        ("\ndef f(:\n", r"mine.py:2: SyntaxError: .*"),
        ("raise SystemExit(3)\n", "mine.py:1: SystemExit: 3"),
        ("import no_such_module_anywhere\n", "mine.py:1: ModuleNotFoundError: .*"),
    ],
)
def test_files_that_cannot_be_run(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BotFileError, match=sentence):
        load(write(tmp_path, text))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BotFileError, match=r"there is no file .*none[.]py"):
        load(tmp_path / "none.py")
