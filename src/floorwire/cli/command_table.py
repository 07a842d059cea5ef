"""Which commands there are. Their modules are imported when they are needed: ``floorwire -h`` needs none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

SERVER: Final = "The server"
CLIENT: Final = "Prices, orders, accounts"
OPERATION: Final = "A running server, for operators"
DATA: Final = "The data folder"
TESTING: Final = "Recordings and tests"


class Command(NamedTuple):
    """Where a command is, and what ``floorwire -h`` says of it."""

    place: str
    """The module and its function; ``app`` where a command has commands of its own."""
    panel: str
    help: str
    """The first paragraph of its own help."""

    @property
    def has_commands(self) -> bool:
        """Whether it has commands of its own."""
        return self.place.endswith(".app")


COMMANDS: Final[Mapping[str, Command]] = {
    "serve": Command(
        "serve.serve",
        SERVER,
        "Serve live prices on one port; without options, a simulated exchange on this machine.",
    ),
    "config": Command("configuration.app", SERVER, "Settings: show those in force, or check them."),
    "doctor": Command("doctor.app", SERVER, "Check what a server needs on this machine."),
    "watch": Command(
        "watch.watch",
        CLIENT,
        "Show live prices; reconnects by itself. In a pipe, or with --json, one line a change.",
    ),
    "order": Command("order.app", CLIENT, "Place, amend, cancel and list orders of an account."),
    "account": Command(
        "account.account",
        CLIENT,
        "Show what the account of a key is worth, its balances, its positions and its latest days.",
    ),
    "bot": Command("bot.app", CLIENT, "Run your own bots: on recordings, on paper and live."),
    "login": Command(
        "login.login", CLIENT, "Keep a server's address, key and CA under a name; commands use it."
    ),
    "logout": Command(
        "login.logout",
        CLIENT,
        "Forget a server and its key. The key itself stays good: `floorwire keys revoke` ends it.",
    ),
    "profiles": Command("login.profiles_", CLIENT, "List the servers that login keeps; never a secret."),
    "top": Command("top.top", OPERATION, "Show a running server's own numbers, again and again."),
    "halt": Command(
        "halts.halt",
        OPERATION,
        "Stop trading, at once and without asking: refuse new orders and amends, and cancel all open orders.",
    ),
    "resume": Command(
        "halts.resume",
        OPERATION,
        "End a halt; what it cancelled stays cancelled. The scope all ends no narrower halt.",
    ),
    "halts": Command("halts.halts", OPERATION, "List the halts in force."),
    "limits": Command("limits.app", OPERATION, "Limits of accounts and keys, on a running server."),
    "quarantine": Command("quarantine.app", OPERATION, "Orders in quarantine, on a running server."),
    "accounts": Command("accounts.app", OPERATION, "Paper money of accounts, on a running server."),
    "replay": Command("replay.app", OPERATION, "Recordings that a running server plays: seek, pause, speed."),
    "keys": Command("keys.app", DATA, "API keys: who may sign in, and what for."),
    "deposit": Command(
        "deposit.deposit", DATA, "Give an account money; a running server credits it within a second."
    ),
    "journal": Command("journal.app", DATA, "The journal of accounts and orders."),
    "backup": Command(
        "backup.backup",
        DATA,
        "Write the data folder to a new archive, beside a running server or without one.",
    ),
    "restore": Command(
        "backup.restore",
        DATA,
        "Make a data folder of an archive; it begins a new epoch, and gives no order id again.",
    ),
    "export": Command(
        "export.app", DATA, "Market events, or the history of accounts or markets, as CSV or Parquet."
    ),
    "record": Command(
        "record.record",
        TESTING,
        "Record the public messages of an exchange, both ways, compressed. Ends with Ctrl-C.",
    ),
    "bench": Command("bench.app", TESTING, "Put a bounded load on a WebSocket server."),
}
"""By name, in the order of the help."""
