"""What ``floorwire serve`` says when it is open: where, for the person or the program that started it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

NAME: Final = "floorwire"


class Announcement(msgspec.Struct, frozen=True, omit_defaults=True):
    """The addresses of a server. ``demo_account``: the page signs in by itself, because there are no keys."""

    page: str
    websocket: str
    api: str
    data: str
    """The data folder."""
    demo_account: str | None = None
    is_live: bool = False
    """Orders leave it: accounts have the exchange's money, and nothing is deposited."""


def announcement(
    host: str, port: int, *, is_secure: bool, data: str, demo_account: str | None, is_live: bool = False
) -> Announcement:
    """Return what to say of a server that listens there."""
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    secure = "s" if is_secure else ""
    return Announcement(
        page=f"http{secure}://{at}/",
        websocket=f"ws{secure}://{at}/ws",
        api=f"http{secure}://{at}/docs",
        data=data,
        demo_account=demo_account,
        is_live=is_live,
    )


def as_json(open_at: Announcement) -> str:
    """Return it as a line of JSON."""
    return msgspec.json.encode(open_at).decode() + "\n"


def as_text(open_at: Announcement, command: str) -> str:
    """Return it as lines for a person. ``command``: how they called Floorwire, or a program of their own."""
    if Path(command).name != NAME:
        command = NAME
    text = (
        f"Floorwire is open.\n"
        f"  page       {open_at.page}\n"
        f"  WebSocket  {open_at.websocket}/ticker\n"
        f"  API        {open_at.api}\n"
        f"Paste this into another terminal to see prices:\n"
        f"  {command} watch --url {open_at.websocket}\n"
    )
    if open_at.demo_account is not None:
        account, money, deposit = open_at.demo_account, ", with play money", " --deposit USDT=1000000"
        if open_at.is_live:
            money = deposit = ""
        text += (
            f"There are no keys yet: the page signs in as {account}{money}. To make a key:\n"
            f"  {command} keys create --account NAME --scopes market,account,trade{deposit}"
            f" --data {open_at.data}\n"
        )
    return text
