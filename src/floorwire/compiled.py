"""Compiled packages: setup.py compiles modules of them where it can; the sources stay as they are.

The compiled modules are in a folder of the package. Its name has a digest of the sources, so that it fits
only these: after an edit Python reads the sources, until the next install.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

BOOKS = ("market_data", "mapping", "messages")
"""The modules of an exchange that each of its frames goes through, besides that of its book."""
COMPILED_PACKAGES: Mapping[str, Sequence[str]] = {
    "core": ("candle_state", "common_units", "order_book", "rolling_day", "units"),
    "engine": (),
    "venues/common": (
        "decimals",
        "diff_book",
        "event_mapping",
        "followed_symbols",
        "frame_scanner",
        "level_reader",
        "links",
        "market_data_adapter",
        "message_handler",
        "plain_decimals",
        "price_levels",
        "scanned_message",
        "subscribed_symbol",
        "trade_ids",
        "venue_book",
        "venue_clock",
    ),
    "venues/binance": (*BOOKS, "depth_book", "scanned_messages"),
    "venues/bybit": (*BOOKS, "numbered_book"),
    "venues/coinbase": (*BOOKS, "product_book"),
    "venues/kraken": (
        *BOOKS,
        "checked_book",
        "messages_v1",
        "pair_names",
        "scanned_book",
        "scanned_book_v2",
        "scanned_messages",
    ),
    "venues/okx": (*BOOKS, "numbered_book", "scanned_messages"),
}
"""The packages that setup.py compiles, and which modules of each; none named: all. Of the venues: those that
a frame goes through. Of core: those that each price goes through. The others would make a single order
slower: it comes rarely, and the code of many modules is not in the processor's caches then."""
LAYOUTS_OF: Mapping[str, str] = {
    f"venues/{exchange}": "venues/common" for exchange in ("binance", "bybit", "coinbase", "kraken", "okx")
}
"""A package -> another one, the memory layout of whose classes its compiled modules know."""
PURE = "PURE_PYTHON"
"""An environment variable. If it is not empty, only sources are used: to debug, to profile, to compare."""


def folder(package: Path) -> Path:
    """Return the folder of the compiled modules for the present sources, and those of ``LAYOUTS_OF``."""
    digest = blake2b(digest_size=8)
    known = LAYOUTS_OF.get("/".join(package.parts[-2:]))
    for part in (package,) if known is None else (package, package.parents[1] / known):
        for source in sorted(part.glob("*.py")) + sorted(part.glob("*.pxd")):
            digest.update(source.name.encode() + source.read_bytes())
    return package / f"compiled_{digest.hexdigest()}"


def sources(root: Path, package_name: str) -> list[Path]:
    """Return the sources that are compiled of a package. ``root``: the folder that it is in."""
    package = root / package_name
    named = COMPILED_PACKAGES[package_name] or [source.stem for source in package.glob("*.py")]
    return sorted(package / f"{name}.py" for name in named if name != "__init__")


def path(package: Iterable[str]) -> list[str]:
    """Return a package's ``__path__``: its compiled modules, where there are any, before its sources."""
    (plain,) = package
    compiled = folder(Path(plain))
    is_used = compiled.is_dir() and not os.environ.get(PURE)
    return [str(compiled), plain] if is_used else [plain]
