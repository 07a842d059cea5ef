"""Loads the bot of a Python file."""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from traceback import extract_tb

from floorwire.bot.bot import Bot


class BotFileError(ValueError):
    """A file without exactly one bot, or one that cannot be run."""


def load(path: Path, name: str | None = None) -> type[Bot]:
    """Return the bot class of a file; with ``name`` that one. The file is run anew. Raises BotFileError."""
    if not path.is_file():
        raise BotFileError(f"there is no file {path}")
    module_name = f"floorwire_bot_{path.stem}"
    loader = SourceFileLoader(module_name, str(path))
    spec = spec_from_loader(module_name, loader)
    assert spec is not None, "a loader was given"
    module = module_from_spec(spec)
    sys.modules[module_name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as for a script: it may import its neighbours
    try:
        code = compile(path.read_bytes(), str(path), "exec")
        exec(code, module.__dict__)  # noqa: S102 - the user's own program
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the user's file does
        raise BotFileError(f"{where(error, path)}: {type(error).__name__}: {error}") from None
    return _chosen(path, name, module.__dict__, module_name)


def _chosen(path: Path, name: str | None, names: dict[str, object], module_name: str) -> type[Bot]:
    found = {
        one.__name__: one
        for one in names.values()
        if isinstance(one, type) and issubclass(one, Bot) and one.__module__ == module_name
    }
    if name is not None:
        if name not in found:
            raise BotFileError(f"{path} has no bot {name!r}; it has {', '.join(found) or 'none'}")
        return found[name]
    if not found:
        raise BotFileError(f"{path} has no class that is a Bot of floorwire.bot")
    if len(found) > 1:
        raise BotFileError(f"{path} has the bots {', '.join(found)}: say which, --bot NAME")
    return next(iter(found.values()))


def where(error: BaseException, path: Path) -> str:
    """Return the file and the line of it at which an error was raised."""
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if Path(frame.filename) == path]
    line = lines[-1] if lines else error.lineno if isinstance(error, SyntaxError) else None
    return str(path) if line is None else f"{path}:{line}"
