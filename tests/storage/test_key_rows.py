"""What somebody can do to a user who can write keys.db, but does not have the master key."""

from __future__ import annotations

import json
import random
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from floorwire.auth.grant import Grant
from floorwire.auth.keyring import Keyring
from floorwire.auth.secret_sealer import SecretSealer
from floorwire.core.authorization import Principal, Scope
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_mark import FILE as MARK
from floorwire.storage.key_rows import MAX_NAMED
from floorwire.storage.key_store import Issued, KeyStore, UnknownKeyError
from tests.storage.rotation import rotate

NOW = 1_800_000_000_000_000
ALICE = Grant(
    "a0", (Scope.MARKET, Scope.TRADE), symbols=("BTC-USDT",), max_notional="10",
    addresses=("10.0.0.1",), expires_us=NOW + 1,
)  # fmt: skip
BOB = Grant("bob", (Scope.MARKET,))
ADMIN = """UPDATE keys SET allows = CAST(replace(CAST(allows AS TEXT), 'market', 'admin') AS BLOB)"""
FIXTURES = Path(__file__).parents[1] / "fixtures"
Files: TypeAlias = "dict[str, bytes]"


def sealer() -> SecretSealer:
    return SecretSealer(bytes(32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def store(folder: Path) -> KeyStore:
    return KeyStore(folder, sealer())


def write(folder: Path, *statements: str) -> None:
    """Write into the database, as somebody without the master key can."""
    with closing(sqlite3.connect(folder / "keys.db", isolation_level=None)) as rows:
        for statement in statements:
            rows.execute(statement)


def signed_in(store: KeyStore, issued: Issued, ring: Keyring | None = None) -> Principal | None:
    ring = Keyring(sealer()) if ring is None else ring
    ring.replace(store.list_keys())
    return ring.verify_secret(issued.key, issued.secret, NOW)


@pytest.mark.parametrize(
    "change",
    [
        "account = 'bob'",
        """allows = replace(CAST(allows AS TEXT), '"a0"', '"a1"')""",
        """allows = replace(CAST(allows AS TEXT), '"trade"', '"admin"')""",
        """allows = replace(CAST(allows AS TEXT), 'BTC-USDT', 'ETH-USDT')""",
        """allows = replace(CAST(allows AS TEXT), '"10"', '"99"')""",
        """allows = replace(CAST(allows AS TEXT), '10.0.0.1', '10.0.0.2')""",
        f"""allows = replace(CAST(allows AS TEXT), '{NOW + 1}', '{NOW + 9}')""",
        "allows = x'7b7d'",
        "created_us = created_us + 1",
        "revoked_us = 1",
        "change = change + 1",
        "tag = x''",
        "tag = (SELECT tag FROM keys WHERE account = 'bob')",
        "digest = (SELECT digest FROM keys WHERE account = 'bob')",
        "sealed = (SELECT sealed FROM keys WHERE account = 'bob')",
    ],
)
def test_a_row_that_somebody_changed_opens_nothing_and_is_told_of(
    store: KeyStore, folder: Path, change: str
) -> None:
    issued, other = store.create(ALICE, {}, NOW), store.create(BOB, {}, NOW)
    change = change.replace("allows = replace(", "allows = CAST(replace(") + (
        " AS BLOB)" if "replace(" in change else ""
    )
    write(folder, f"UPDATE keys SET {change} WHERE id = '{issued.key}'")
    assert signed_in(store, issued) is None
    assert signed_in(store, other) is not None, "others are not touched"
    found = store.read()
    assert found.unverified == [issued.key]
    assert issued.key in found.faults()[0]
    for call in (store.find, store.new_secret, lambda key: store.revoke(key, NOW)):
        with pytest.raises(UnknownKeyError, match="changed by somebody else"):
            call(issued.key)


def test_of_many_changed_rows_the_first_are_named(store: KeyStore, folder: Path) -> None:
    for _ in range(MAX_NAMED + 5):
        store.create(BOB, {}, NOW)
    write(folder, "UPDATE keys SET id = 'x' || char(27) || id")
    faults = store.read().faults()
    assert len(faults) == MAX_NAMED + 2
    assert "5 more rows" in faults[-2]
    assert "\x1b" not in "".join(faults)


def test_a_row_under_another_id_opens_nothing(store: KeyStore, folder: Path) -> None:
    issued = store.create(ALICE, {}, NOW)
    write(folder, "UPDATE keys SET id = 'fw0000000000000000'")
    assert signed_in(store, issued) is None
    assert store.read().unverified == ["fw0000000000000000"]


def test_a_revoked_row_stays_revoked(store: KeyStore, folder: Path) -> None:
    issued = store.create(BOB, {}, NOW)
    store.revoke(issued.key, NOW)
    write(folder, "UPDATE keys SET revoked_us = NULL")
    assert signed_in(store, issued) is None
    assert store.read().unverified == [issued.key]


@pytest.mark.parametrize("step", [61, pytest.param(7, marks=pytest.mark.slow)])
def test_every_flipped_bit_of_a_row_is_seen(store: KeyStore, folder: Path, step: int) -> None:
    """One bit at a time, in a sample of all bits of all columns."""
    issued = store.create(ALICE, {}, NOW)
    with closing(sqlite3.connect(folder / "keys.db", isolation_level=None)) as rows:
        for column in ("allows", "digest", "sealed", "tag"):
            (content,) = rows.execute(f"SELECT {column} FROM keys").fetchone()
            for bit in range(0, 8 * len(content), step):
                flipped = bytearray(content)
                flipped[bit // 8] ^= 1 << bit % 8
                rows.execute(f"UPDATE keys SET {column} = ?", (bytes(flipped),))
                assert store.read().unverified == [issued.key], (column, bit)
            rows.execute(f"UPDATE keys SET {column} = ?", (content,))
    assert store.read().faults() == []


def old_row(folder: Path) -> Callable[[], None]:
    """Keep the only row of now; return what puts it back."""
    with closing(sqlite3.connect(folder / "keys.db")) as rows:
        row = rows.execute("SELECT * FROM keys").fetchone()

    def put_back() -> None:
        with closing(sqlite3.connect(folder / "keys.db", isolation_level=None)) as rows:
            rows.execute(f"INSERT OR REPLACE INTO keys VALUES ({','.join('?' * len(row))})", row)

    return put_back


@pytest.mark.parametrize("change", [lambda store, key: store.revoke(key, NOW), rotate])
def test_an_older_row_that_was_put_back_is_told_of_and_taken_by_no_running_server(
    store: KeyStore, folder: Path, change: Callable[[KeyStore, str], object]
) -> None:
    issued, ring = store.create(BOB, {}, NOW), Keyring(sealer())
    put_back = old_row(folder)
    change(store, issued.key)
    assert signed_in(store, issued, ring) is None
    put_back()
    assert signed_in(store, issued, ring) is None, "it has seen the newer row"
    assert not store.read().is_whole
    assert "put back" in store.read().faults()[0]
    store.create(BOB, {}, NOW)
    assert not store.read().is_whole, "a later change hides nothing"


def test_a_row_that_was_removed_is_told_of(store: KeyStore, folder: Path) -> None:
    for _ in range(2):
        issued = store.create(BOB, {}, NOW)
    write(folder, f"DELETE FROM keys WHERE id = '{issued.key}'")
    assert not store.read().is_whole


@pytest.mark.parametrize(
    "statement", ["DELETE FROM meta WHERE name = 'keys'", "UPDATE meta SET value = x'00' WHERE name = 'keys'"]
)
def test_without_its_seal_the_table_is_not_whole(store: KeyStore, folder: Path, statement: str) -> None:
    issued = store.create(BOB, {}, NOW)
    write(folder, statement)
    assert not store.read().is_whole
    store.create(BOB, {}, NOW)
    assert not KeyStore(folder, sealer()).read().is_whole
    assert signed_in(store, issued) is not None


def test_an_emptied_table_without_a_seal_is_not_whole(store: KeyStore, folder: Path) -> None:
    store.create(BOB, {}, NOW)
    write(folder, "DELETE FROM keys", "DELETE FROM meta WHERE name = 'keys'")
    assert not KeyStore(folder, sealer()).read().is_whole


def files(folder: Path) -> Files:
    """Return the files of the key store. Nothing has it open, so there is no write-ahead log."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def put_back(folder: Path, *names: str, kept: Files) -> None:
    for name in ("keys.db-wal", "keys.db-shm"):
        (folder / name).unlink(missing_ok=True)
    for name in names:
        (folder / name).write_bytes(kept[name])


def test_an_older_database_is_told_of_until_it_is_accepted(store: KeyStore, folder: Path) -> None:
    issued = store.create(BOB, {}, NOW)
    kept, ring = files(folder), Keyring(sealer())
    store.revoke(issued.key, NOW)
    assert signed_in(store, issued, ring) is None
    put_back(folder, "keys.db", kept=kept)
    for _ in range(2):
        store = KeyStore(folder, sealer())
        assert not store.read().is_whole
        store.create(BOB, {}, NOW)
    assert signed_in(store, issued, ring) is None
    assert store.accept() == []
    assert store.read().faults() == []
    store.revoke(issued.key, NOW + 1)
    assert signed_in(store, issued) is None
    assert signed_in(store, issued, ring) is None


def test_a_folder_that_was_put_back_whole_cannot_be_told(store: KeyStore, folder: Path) -> None:
    """docs/security.md says so. A running server still does not take back what it has seen."""
    issued = store.create(BOB, {}, NOW)
    kept, ring = files(folder), Keyring(sealer())
    store.revoke(issued.key, NOW)
    assert signed_in(store, issued, ring) is None
    put_back(folder, *kept, kept=kept)
    assert store.read().is_whole
    assert signed_in(store, issued, ring) is None


def test_accepting_removes_what_was_changed_and_keeps_the_rest(store: KeyStore, folder: Path) -> None:
    bad, good = store.create(ALICE, {}, NOW), store.create(BOB, {}, NOW)
    write(folder, f"UPDATE keys SET account = 'bob' WHERE id = '{bad.key}'")
    assert store.accept() == [bad.key]
    assert store.read().faults() == []
    assert [key.id for key in store.list_keys()] == [good.key]
    assert signed_in(store, good) is not None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE deposits SET amount = '99' WHERE id = 1",
        "UPDATE deposits SET account = 'bob' WHERE id = 1",
        "UPDATE deposits SET asset = 'BTC' WHERE id = 1",
        "UPDATE deposits SET id = 7 WHERE id = 1",
        "UPDATE meta SET name = 'store.0000000000000000' WHERE name LIKE 'store.%'",
        "INSERT INTO deposits VALUES (7, 'bob', 'USDT', '1000000', 1, x'')",
        "INSERT INTO deposits SELECT 7, account, asset, amount, created_us, tag FROM deposits",
    ],
)
def test_a_deposit_that_somebody_wrote_credits_nothing(store: KeyStore, folder: Path, change: str) -> None:
    store.create(BOB, {}, NOW)
    store.create(ALICE, {"USDT": "5"}, NOW)
    before = store.deposits()
    write(folder, change)
    found = store.read_deposits()
    assert len(found.unverified) == 1
    assert all(deposit in before for deposit in found.deposits)


def unpacked(folder: Path) -> tuple[dict[str, Issued], SecretSealer]:
    """Unpack a data folder of version 1; return its keys and its master key."""
    with tarfile.open(FIXTURES / "stopped-d5e445b.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    keys = json.loads((folder / "expected.json").read_text())["keys"]
    issued = {name: Issued(**one) for name, one in keys.items()}
    return issued, SecretSealer(bytes.fromhex((folder / "master.key").read_text()))


def test_an_earlier_versions_keys_are_taken_over_once_and_it_is_said(folder: Path) -> None:
    issued, master = unpacked(folder)
    first = KeyStore(folder, master)
    assert "3 keys" in first.notices[0]
    again = KeyStore(folder, master)
    assert again.notices == []
    assert again.read().faults() == []
    ring = Keyring(master)
    ring.replace(again.list_keys())
    for one in issued.values():
        assert ring.verify_secret(one.key, one.secret, NOW) is not None
    assert again.read_deposits().unverified == []
    assert len(again.deposits()) == 4


def test_a_row_without_its_own_secret_is_not_taken_over(folder: Path) -> None:
    issued, master = unpacked(folder)
    write(
        folder,
        "INSERT INTO keys SELECT 'fw0000000000000000', account, allows, created_us, NULL, digest, sealed"
        " FROM keys LIMIT 1",
    )
    store = KeyStore(folder, master)
    assert store.read().unverified == ["fw0000000000000000"]
    assert len(store.list_keys()) == len(issued)


def test_an_earlier_versions_database_put_in_the_place_of_ours_is_refused(folder: Path) -> None:
    _, master = unpacked(folder)
    old = files(folder)
    KeyStore(folder, master)
    put_back(folder, "keys.db", kept=old)
    with pytest.raises(DatabaseError, match=f"remove {MARK}"):
        KeyStore(folder, master)
    (folder / MARK).unlink()
    assert KeyStore(folder, master).notices, "the operator wanted it; it is said once more"


def test_a_key_of_ours_is_never_taken_over_as_one_of_an_earlier_version(
    store: KeyStore, folder: Path
) -> None:
    """Even where the mark was removed, and the columns are those of version 1 again."""
    issued = store.create(BOB, {}, NOW)
    (folder / MARK).unlink()
    write(
        folder,
        "ALTER TABLE keys DROP COLUMN tag",
        "ALTER TABLE keys DROP COLUMN change",
        "ALTER TABLE deposits DROP COLUMN tag",
        ADMIN,
        "PRAGMA user_version = 1",
    )
    again = KeyStore(folder, sealer())
    assert signed_in(again, issued) is None
    assert again.read().unverified == [issued.key]


def test_another_master_key_changes_nothing_of_an_earlier_versions_keys(folder: Path) -> None:
    _, master = unpacked(folder)
    with pytest.raises(DatabaseError, match="another master key"):
        KeyStore(folder, sealer())
    assert KeyStore(folder, master).read().faults() == []


@pytest.mark.parametrize(
    "trigger",
    [
        "CREATE TRIGGER t BEFORE INSERT ON keys BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER t AFTER INSERT ON keys BEGIN UPDATE keys SET revoked_us = NULL; END",
        "CREATE VIEW v AS SELECT 1",
    ],
)
def test_a_trigger_undoes_no_revocation(store: KeyStore, folder: Path, trigger: str) -> None:
    issued = store.create(BOB, {}, NOW)
    write(folder, trigger)
    for call in (lambda: store.revoke(issued.key, NOW), store.read, lambda: KeyStore(folder, sealer())):
        with pytest.raises(DatabaseError, match="somebody else put"):
            call()


def test_tables_that_take_any_type_are_refused(store: KeyStore, folder: Path) -> None:
    store.create(BOB, {"USDT": "1"}, NOW)
    write(folder, "ALTER TABLE deposits RENAME TO old", "CREATE TABLE deposits AS SELECT * FROM old")
    with pytest.raises(DatabaseError, match="changed its tables: deposits"):
        store.read_deposits()


VALUES = ("NULL", "1", "-1", "1.5", "'text'", "CAST(x'ff00' AS TEXT)", "x''", "x'ff'", "zeroblob(100)")


@pytest.mark.parametrize("table", ["keys", "deposits", "meta", "sqlite_sequence"])
def test_no_content_raises_anything_else(store: KeyStore, folder: Path, table: str) -> None:
    """A value of any type in any column: the table is found damaged, or the row counts for nothing."""
    store.create(BOB, {"USDT": "1"}, NOW)
    kept = files(folder)
    with closing(sqlite3.connect(folder / "keys.db")) as rows:
        columns = [str(row[1]) for row in rows.execute(f"PRAGMA table_info({table})")]
    for column in columns:
        for value in VALUES:
            put_back(folder, *kept, kept=kept)
            with suppress(sqlite3.Error):  # The table does not take it.
                write(folder, "PRAGMA foreign_keys = OFF", f"UPDATE {table} SET {column} = {value}")
            look_at(folder)


def look_at(folder: Path) -> None:
    """Do all that a server and the commands do. Nothing may be raised but DatabaseError."""
    with suppress(DatabaseError):
        store = KeyStore(folder, sealer())
        with closing(store.watch()) as watch:
            for call in (watch.poll, store.read, store.read_deposits, store.store, store.accept):
                with suppress(DatabaseError):
                    call()


@pytest.mark.parametrize("count", [50, pytest.param(300, marks=pytest.mark.slow)])
def test_no_flipped_bit_of_the_file_raises_anything_else(store: KeyStore, folder: Path, count: int) -> None:
    """Whatever is read then is what was written, or it is left out and told of."""
    issued = store.create(ALICE, {"USDT": "5"}, NOW)
    (key,), (deposit,), kept = store.list_keys(), store.deposits(), files(folder)
    used = [at for at, byte in enumerate(kept["keys.db"]) if byte]
    rng = random.Random(7)
    for at in rng.sample(used, count):
        content = bytearray(kept["keys.db"])
        content[at] ^= 1 << rng.randrange(8)
        put_back(folder, *kept, kept=kept)
        (folder / "keys.db").write_bytes(content)
        with suppress(DatabaseError):
            read = KeyStore(folder, sealer()).read()
            assert read.keys == [key] or issued.key not in {one.id for one in read.keys}
            assert read.keys == [key] or read.faults(), at
        with suppress(DatabaseError):
            assert all(one == deposit for one in KeyStore(folder, sealer()).deposits())
        look_at(folder)


def test_a_missing_mark_is_told_of_once(store: KeyStore, folder: Path) -> None:
    (folder / MARK).unlink()
    assert KeyStore(folder, sealer()).notices == [], "without keys there is nothing to tell"
    store.create(BOB, {}, NOW)
    assert KeyStore(folder, sealer()).notices == []
    (folder / MARK).unlink()
    assert "keys.mark is missing" in KeyStore(folder, sealer()).notices[0]
    assert KeyStore(folder, sealer()).notices == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "0 0",
        "0 -1",
        "0 1 2",
        "0 1 2 3",
        "0 " + "9" * 5_000,
        "0 1 " + "9" * 5_000 + " " + "0" * 64,
        "é 1",
    ],
)
def test_what_is_no_mark_is_none(store: KeyStore, folder: Path, text: str) -> None:
    store.create(BOB, {"USDT": "1"}, NOW)
    (folder / MARK).write_text(text)
    again = KeyStore(folder, sealer())
    assert "is missing" in again.notices[0]
    assert len(again.deposits()) == len(again.list_keys()) == 1


def test_a_mark_that_somebody_wrote_is_none(store: KeyStore, folder: Path) -> None:
    store.create(BOB, {}, NOW)
    identity, last_id, changes, tag = (folder / MARK).read_text().split()
    (folder / MARK).write_text(f"{identity} {last_id} {int(changes) + 5} {tag}")
    assert KeyStore(folder, sealer()).read().is_whole
