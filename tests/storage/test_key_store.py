from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from floorwire.auth.grant import Grant
from floorwire.auth.keyring import Key, Keyring
from floorwire.auth.secret_sealer import SecretSealer
from floorwire.core.authorization import Scope
from floorwire.protocol.requests import login_signature
from floorwire.storage import database, key_mark
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import MARK, Deposit, Issued, KeyStore, KeyWatch, UnknownKeyError
from tests.storage.rotation import rotate

NOW = 1_800_000_000_000_000
GRANT = Grant("alice", (Scope.MARKET, Scope.TRADE), symbols=("BTC-USDT",))


def sealer() -> SecretSealer:
    return SecretSealer(bytes(32))


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path, sealer())


def signs_in(store: KeyStore, issued: Issued) -> bool:
    ring = Keyring(sealer())
    ring.replace(store.list_keys())
    by_secret = ring.verify_secret(issued.key, issued.secret, NOW)
    assert by_secret is ring.verify_signature(issued.key, NOW, login_signature(issued.secret, NOW), NOW)
    return by_secret is not None


def test_a_key_is_made_and_signs_in(store: KeyStore) -> None:
    issued = store.create(GRANT, {}, NOW)
    (key,) = store.list_keys()
    assert (key.id, key.grant, key.created_us, key.revoked_us) == (issued.key, GRANT, NOW, None)
    assert len(issued.secret) == 43
    assert "." not in issued.key + issued.secret
    assert signs_in(store, issued)
    assert store.find(issued.key) == key


def test_keys_differ(store: KeyStore) -> None:
    made = [store.create(GRANT, {}, NOW) for _ in range(10)]
    assert len({issued.key for issued in made}) == len({issued.secret for issued in made}) == 10


def test_revoked_is_for_good(store: KeyStore) -> None:
    issued, other = store.create(GRANT, {}, NOW), store.create(GRANT, {}, NOW)
    store.revoke(issued.key, NOW + 1)
    assert not signs_in(store, issued)
    assert signs_in(store, other)
    for again in (store.revoke, lambda key, _: rotate(store, key), lambda key, _: store.find(key)):
        with pytest.raises(UnknownKeyError, match=issued.key):
            again(issued.key, NOW + 2)
    assert {key.revoked_us for key in store.list_keys()} == {None, NOW + 1}


def test_rotated_has_a_new_secret_and_the_old_one_ends(store: KeyStore) -> None:
    issued = store.create(GRANT, {}, NOW)
    rotated = rotate(store, issued.key)
    assert rotated.key == issued.key
    assert signs_in(store, rotated)
    assert not signs_in(store, issued)
    with pytest.raises(UnknownKeyError):
        rotate(store, "nothing")


def test_an_offered_secret_is_good_from_its_first_use_and_the_old_one_until_then(tmp_path: Path) -> None:
    store = KeyStore(tmp_path, sealer())
    issued = store.create(GRANT, {}, NOW)
    lost, offered = store.offer_secret(issued.key), store.offer_secret(issued.key)
    ring = Keyring(sealer())
    assert ring.replace(KeyStore(tmp_path, sealer()).list_keys()) == set()
    before = ring.verify_secret(issued.key, issued.secret, NOW)
    assert before is not None
    for secret in (issued.secret, lost.secret, "x", offered.secret):
        is_next = secret == offered.secret
        assert ring.shows_next_secret(issued.key, secret) is is_next
        assert ring.shows_next_signature(issued.key, NOW, login_signature(secret, NOW)) is is_next
        assert (ring.verify_secret(issued.key, secret, NOW) is None) is (secret != issued.secret)
    store.offer_secret(issued.key)
    assert ring.replace(store.list_keys()) == set(), "an offer ends no connection"
    assert ring.is_current(before, NOW)
    offered = store.offer_secret(issued.key)
    store.confirm_secret(issued.key)
    store.confirm_secret(issued.key)
    assert store.read().faults() == []
    assert signs_in(store, offered)
    assert not signs_in(store, issued)
    assert ring.replace(store.list_keys()) == {issued.key}


def test_a_rotation_on_the_command_line_ends_an_offer(store: KeyStore) -> None:
    issued = store.create(GRANT, {}, NOW)
    store.offer_secret(issued.key)
    rotated = rotate(store, issued.key)
    store.confirm_secret(issued.key)
    assert signs_in(store, rotated)


def test_deposits_are_kept_in_order(store: KeyStore) -> None:
    store.create(GRANT, {"USDT": "1000000", "BTC": "0.5"}, NOW)
    store.create(GRANT, {"USDT": "1"}, NOW + 1)
    identity, last_id = store.store()
    assert (len(identity), last_id) == (16, 3)
    deposits = store.deposits()
    assert deposits == [
        Deposit(1, "alice", "USDT", "1000000", NOW, identity),
        Deposit(2, "alice", "BTC", "0.5", NOW, identity),
        Deposit(3, "alice", "USDT", "1", NOW + 1, identity),
    ]
    assert store.deposits(after=deposits[1]) == deposits[2:]
    assert store.deposits(after=Deposit(9, "alice", "USDT", "1", NOW, "another")) == deposits


def test_a_store_that_takes_another_identity_keeps_that_of_older_deposits(store: KeyStore) -> None:
    store.create(GRANT, {"USDT": "1"}, NOW)
    before, _ = store.store()
    store.renew_store()
    store.renew_store()
    store.create(GRANT, {"USDT": "2"}, NOW)
    after, last_id = store.store()
    assert (before != after, last_id) == (True, 2)
    deposits = store.deposits()
    assert [(one.id, one.store) for one in deposits] == [(1, before), (2, after)]
    assert store.deposits(after=deposits[0]) == deposits[1:]


def test_an_older_copy_takes_another_identity(tmp_path: Path) -> None:
    store = KeyStore(tmp_path, sealer())
    store.create(GRANT, {"USDT": "1"}, NOW)
    shutil.copy2(tmp_path / "keys.db", tmp_path / "copy")
    before, _ = KeyStore(tmp_path, sealer()).store()
    assert KeyStore(tmp_path, sealer()).store() == (before, 1)
    store.create(GRANT, {"USDT": "lost"}, NOW)
    (tmp_path / "copy").replace(tmp_path / "keys.db")
    store = KeyStore(tmp_path, sealer())
    store.create(GRANT, {"USDT": "2"}, NOW)
    after, _ = store.store()
    assert after != before
    assert [(one.id, one.store) for one in store.deposits()] == [(1, before), (2, after)]


def test_a_store_without_its_mark_takes_another_identity(tmp_path: Path) -> None:
    before, _ = KeyStore(tmp_path, sealer()).store()
    (tmp_path / MARK).unlink()
    assert KeyStore(tmp_path, sealer()).store()[0] != before


def test_an_account_is_opened_once(store: KeyStore) -> None:
    store.open_account("demo", {"USDT": "100"}, NOW)
    store.open_account("demo", {"USDT": "100"}, NOW + 1)
    assert len(store.deposits()) == 1
    assert store.list_keys() == []


def test_nothing_of_a_failed_change_stays(store: KeyStore, tmp_path: Path) -> None:
    def half() -> None:
        with database.transaction(tmp_path / database.FILE) as rows:
            rows.execute("INSERT INTO accounts VALUES ('half', 1)")
            rows.execute("INSERT INTO deposits VALUES (9, 'nobody', 'USDT', '1', 1, x'')")

    with pytest.raises(DatabaseError, match="FOREIGN KEY"):
        half()
    store.open_account("half", {"USDT": "5"}, NOW)
    assert [deposit.amount for deposit in store.deposits()] == ["5"]


def test_a_change_whose_mark_cannot_be_written_is_made(
    store: KeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (store.create(GRANT, {}, NOW + number) for number in range(2))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(key_mark, "write", full)
        store.revoke(first.key, NOW)
        assert [key.revoked_us for key in store.list_keys()] == [NOW, None]
    store.revoke(second.key, NOW)
    stored = KeyStore(tmp_path, sealer()).read()
    assert (stored.is_whole, [key.revoked_us for key in stored.keys]) == (True, [NOW, NOW])


def test_a_mark_that_cannot_be_written_leaves_no_draft(
    store: KeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            key_mark.write(tmp_path, key_mark.KeyMark("a", 1, 1, is_tagged=True), sealer())
    assert not list(tmp_path.glob(f".{MARK}.*"))


def test_no_secret_is_in_any_file(store: KeyStore, tmp_path: Path) -> None:
    made = [store.create(GRANT, {}, NOW)]
    made.append(rotate(store, made[0].key))
    files = list(tmp_path.iterdir())
    assert files
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600, path
        content = path.read_bytes()
        for issued in made:
            assert issued.secret.encode() not in content


def test_a_stolen_database_does_not_sign_in(store: KeyStore, tmp_path: Path) -> None:
    issued = store.create(GRANT, {}, NOW)
    thief = SecretSealer(b"x" * 32)
    ring = Keyring(thief)
    ring.replace(store.list_keys())
    assert ring.verify_secret(issued.key, issued.secret, NOW) is None
    assert ring.verify_signature(issued.key, NOW, login_signature(issued.secret, NOW), NOW) is None
    with pytest.raises(DatabaseError, match="another master key"):
        KeyStore(tmp_path, thief)


def test_files_are_private_while_the_database_is_open(store: KeyStore, tmp_path: Path) -> None:
    watch = store.watch()
    store.create(GRANT, {}, NOW)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    watch.close()
    assert set(modes) == {"keys.db", "keys.db-wal", "keys.db-shm", "keys.mark"}
    assert set(modes.values()) == {0o600}


def test_the_watch_tells_each_change_once(store: KeyStore, tmp_path: Path) -> None:
    watch = store.watch()
    with closing(watch):
        assert seen_by(watch) == []
        assert watch.poll() is None
        issued = KeyStore(tmp_path, sealer()).create(GRANT, {}, NOW)
        assert [key.id for key in seen_by(watch)] == [issued.key]
        assert watch.poll() is None
        store.revoke(issued.key, NOW)
        assert seen_by(watch)[0].revoked_us == NOW


def seen_by(watch: KeyWatch) -> list[Key]:
    """Return the keys that the watch sees after a change."""
    seen = watch.poll()
    assert seen is not None
    return seen.keys


def test_the_watch_sees_what_another_process_does_between_our_own_writes(
    store: KeyStore, tmp_path: Path
) -> None:
    make = (
        "import sys; from pathlib import Path; from tests.storage.test_key_store import *;"
        "KeyStore(Path(sys.argv[1]), sealer()).create(GRANT, {}, NOW)"
    )
    with closing(store.watch()) as watch:
        watch.poll()
        store.open_account("demo", {}, NOW)  # what it opens and closes must not end the watch's locks
        for number in (1, 2):
            subprocess.run([sys.executable, "-c", make, tmp_path], check=True)
            assert len(seen_by(watch)) == number
            assert (tmp_path / "keys.db-wal").exists()


def test_many_may_write_at_once(store: KeyStore, tmp_path: Path) -> None:
    def make(_: int) -> Issued:
        return KeyStore(tmp_path, sealer()).create(GRANT, {"USDT": "1"}, NOW)

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(12)))
    assert {key.id for key in store.list_keys()} == {issued.key for issued in made}
    assert len(store.deposits()) == 12


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / database.FILE).touch(0o600)
    (tmp_path / database.FILE).write_bytes(b"no database" * 1_000)
    with pytest.raises(DatabaseError, match="not a database"):
        KeyStore(tmp_path, sealer())


def test_a_later_versions_database_is_refused(store: KeyStore, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / database.FILE)) as rows:
        rows.execute("PRAGMA user_version = 99")
    with pytest.raises(DatabaseError, match="another version"):
        store.list_keys()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="nowhere"):
        KeyStore(tmp_path / "nowhere", sealer())


def test_a_watch_of_a_broken_database_says_so(store: KeyStore) -> None:
    watch = store.watch()
    watch.close()
    with pytest.raises(DatabaseError, match="closed"):
        watch.poll()


def test_a_database_that_is_gone_is_not_made_again(store: KeyStore, tmp_path: Path) -> None:
    store.create(GRANT, {}, NOW)
    with closing(store.watch()) as watch:
        assert len(seen_by(watch)) == 1
        for name in ("keys.db", "keys.db-wal", "keys.db-shm"):
            (tmp_path / name).unlink()
        for call in (watch.poll, store.list_keys, lambda: store.create(GRANT, {}, NOW)):
            with pytest.raises(DatabaseError, match="gone"):
                call()
    assert not (tmp_path / "keys.db").exists()


def test_a_database_put_in_its_place_is_seen(store: KeyStore, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    issued = KeyStore(other, sealer()).create(GRANT, {}, NOW)
    with closing(store.watch()) as watch:
        assert seen_by(watch) == []
        (other / "keys.db").replace(tmp_path / "keys.db")
        assert [key.id for key in seen_by(watch)] == [issued.key]
        store.revoke(issued.key, NOW)
        assert seen_by(watch)[0].revoked_us == NOW


def test_a_new_secret_is_good_only_once_it_was_put_in_the_place_of_the_old_one(store: KeyStore) -> None:
    issued = store.create(GRANT, {}, NOW)
    new = store.new_secret(issued.key)
    assert signs_in(store, issued)
    assert not signs_in(store, new)
    store.replace_secret(new)
    assert not signs_in(store, issued)
    assert signs_in(store, new)
