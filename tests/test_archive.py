"""What was paid for stays readable and private, is never bought twice, and damage to it is seen."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from midikit.errors import InputError, MidikitError, OutputError
from midikit.fetch import home
from midikit.fetch.archive import STATES, Record, State, granted
from midikit.fetch.disk import database, locks
from midikit.fetch.disk.database import open_to_write
from midikit.fetch.disk.intents import IntentLog, line_of
from midikit.fetch.disk.owners import Owners
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.disk.vault import Vault
from midikit.fetch.memory import MemoryArchive

if TYPE_CHECKING:
    from collections.abc import Callable

CLIP = "29fc9d9e-a550-47d9-bfd2-6640a4025acc"
RAW = b'{"code": 200, "data": {"instruments": []}}'
MID = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0"
DELIVERED = Record(CLIP, "delivered", calls=1, sent=1e9, source="call")


@pytest.fixture
def archive(tmp_path: Path) -> Any:
    """Make an archive in a folder that does not exist yet."""
    with SqliteArchive(tmp_path / "some" / "home") as opened:
        yield opened


def execute(archive: SqliteArchive, statement: str, *values: object) -> None:
    """Do something to the database behind the archive's back."""
    with contextlib.closing(sqlite3.connect(archive.path)) as connection:
        connection.execute(statement, values)
        connection.commit()


def reopened(archive: SqliteArchive) -> SqliteArchive:
    """Open the same archive anew, as the next program does."""
    archive.close()
    return SqliteArchive(archive.home)


def test_what_is_stored_comes_back(archive: SqliteArchive) -> None:
    """Bytes are the same bytes, what is not there is None, and nothing is made for looking."""
    assert archive.load(CLIP) is None
    assert list(archive.list()) == []
    assert not archive.home.exists()
    assert archive.reserve(CLIP) == (True, None)
    archive.store(DELIVERED, answer=RAW)
    archive.store(replace(DELIVERED, midi_origin="hosted"), midi=MID)
    stored = archive.load(CLIP)
    assert stored is not None
    assert (stored.answer, stored.midi, stored.damage) == (RAW, MID, None)
    record = stored.record
    assert (record.state, record.calls, record.sent, record.owner) == ("delivered", 1, 1e9, "")
    assert (len(record.answer_sha256), len(record.midi_sha256)) == (64, 64)
    assert record.changed > 1e9
    archive.store(Record("other", "unknown", calls=1), fragment=RAW[:10])
    assert [record.clip_id for record in archive.list()] == [CLIP, "other"]
    assert [record.clip_id for record in archive.records(["unknown"])] == ["other"]
    assert archive.fragments("other") == (RAW[:10],)
    assert RAW.decode() not in repr(stored)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("resend", [False, True])
def test_who_may_be_paid_for(state: State, resend: bool) -> None:
    """Delivered and held clips never, unknown ones with permission, the others freely."""
    before = Record(CLIP, state, calls=2, problem="said")
    after = granted(before, CLIP, resend_unknown=resend, owner="me", now=5.0)
    free = {"running", "refundable", "failed"} | ({"unknown", "in flight"} if resend else set())
    assert (after is not None) == (state in free)
    if after is not None:
        assert after == Record(CLIP, "in flight", 3, 5.0, 5.0, owner="me")
    held = replace(before, owner="somebody")
    assert granted(held, CLIP, resend_unknown=resend, owner="me", now=5.0) is None


def test_a_clip_has_one_holder_until_it_ends(archive: SqliteArchive) -> None:
    """Another thread and another program wait; once the holder is gone nobody knows."""
    assert archive.reserve(CLIP).granted
    again = archive.reserve(CLIP)
    assert not again.granted
    assert again.record is not None
    assert again.record.owner
    with SqliteArchive(archive.home) as other:
        waiting = other.reserve(CLIP)
        assert not waiting.granted
        assert waiting.record is not None
        assert (waiting.record.state, bool(waiting.record.owner)) == ("in flight", True)
        archive.reserve("running")
        archive.store(Record("running", "running", calls=1, owner=again.record.owner))
        assert not other.reserve("running").granted
        archive.close()
        left = other.reserve(CLIP)
        assert left.record is not None
        assert (left.granted, left.record.state, left.record.owner) == (False, "unknown", "")
        assert "ended before its outcome" in left.record.problem
        stored = other.load(CLIP)
        assert stored is not None
        assert stored.record == left.record
        assert other.reserve("running").granted
        assert other.reserve(CLIP, resend_unknown=True).granted


def test_what_is_delivered_stays(archive: SqliteArchive) -> None:
    """A late outcome, a second answer and another row change nothing of the first answer."""
    archive.store(DELIVERED, answer=RAW)
    archive.store(replace(DELIVERED, state="unknown", problem="no answer", calls=2))
    archive.store(replace(DELIVERED, source="callback"), answer=b"{}")
    archive.store(replace(DELIVERED, source="callback"), answer=b"{}")
    stored = archive.load(CLIP)
    assert stored is not None
    assert (stored.answer, stored.record.state, stored.record.source) == (RAW, "delivered", "call")
    assert stored.record.problem == ""
    assert archive.fragments(CLIP) == (b"{}",)


@pytest.mark.parametrize("umask", [0o000, 0o777, 0o277])
def test_nobody_else_can_read_it(archive: SqliteArchive, umask: int) -> None:
    """Folders are 0700 and files 0600 whatever the umask, also while they are in use."""
    before = os.umask(umask)
    try:
        archive.reserve(CLIP)
        archive.store(DELIVERED, answer=RAW)
        assert archive.load(CLIP) is not None
    finally:
        os.umask(before)
    names = {path.name for path in archive.home.iterdir()}
    assert names >= {"archive.sqlite3", "archive.sqlite3-wal", "archive.sqlite3-shm"}
    for path in (archive.home.parent, archive.home, *archive.home.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_what_others_could_read_is_closed(archive: SqliteArchive) -> None:
    """Its own folder and file are made private again; the folder above is its user's."""
    archive.home.mkdir(parents=True)
    archive.home.parent.chmod(0o755)
    archive.home.chmod(0o755)
    archive.path.touch()
    archive.path.chmod(0o644)
    archive.reserve(CLIP)
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (archive.path, archive.home)]
    assert modes == [0o600, 0o700]
    assert stat.S_IMODE(archive.home.parent.stat().st_mode) == 0o755


def refused(home: Path, match: str, error: type[MidikitError] = InputError) -> None:
    """See that a clip can neither be read as absent nor bought."""
    with SqliteArchive(home) as archive:
        for step in (archive.load, archive.reserve):
            with pytest.raises(error, match=match) as caught:
                step(CLIP)
            assert "\n" not in str(caught.value)


def test_a_database_that_is_none_of_ours_is_refused(archive: SqliteArchive) -> None:
    """A newer one, one of another program, no database at all, one that was cut or emptied."""
    archive.reserve(CLIP)
    archive.close()
    whole = archive.path.read_bytes()
    execute(archive, "PRAGMA user_version = 9")
    refused(archive.home, r"made by a newer midikit \(schema 9, this one knows 1\); update midikit")
    archive.path.write_bytes(whole)
    execute(archive, "PRAGMA application_id = 7")
    refused(archive.home, "no archive of midikit")
    archive.path.write_bytes(b"something else, but long enough" * 40)
    refused(archive.home, "damaged: file is not a database; restore it from a copy, nothing is b")
    archive.path.write_bytes(whole[:5000])
    refused(archive.home, "damaged: ")
    archive.path.write_bytes(b"")
    refused(archive.home, "its row is lost")
    archive.path.unlink()
    refused(archive.home, "its row is lost; restore it from a copy, it is not bought again")
    archive.path.write_bytes(whole)
    with SqliteArchive(archive.home) as again:
        assert not again.reserve(CLIP).granted


def test_an_archive_that_is_being_made_is_not_there_yet(
    archive: SqliteArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables come between two looks at its first page: neither damage nor half of it."""
    archive.home.mkdir(parents=True)
    archive.path.touch()
    archive.path.write_bytes(b"")
    with contextlib.closing(sqlite3.connect(archive.path)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        connect = database._connect

        def connect_slowly(*args: Any, **kwargs: Any) -> Any:
            connection = connect(*args, **kwargs)
            connection.set_trace_callback(
                lambda statement: (
                    open_to_write(archive.path).close()
                    if statement == "PRAGMA application_id"
                    else None
                )
            )
            monkeypatch.undo()
            return connection

        monkeypatch.setattr(database, "_connect", connect_slowly)
        assert archive.load(CLIP) is None
    assert archive.reserve(CLIP).granted


def test_a_locked_archive_is_refused_before_paying(
    archive: SqliteArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some seconds, naming what to set; an answer is worth waiting for longer."""
    archive.reserve("first")
    monkeypatch.setattr(Vault, "patience", 0.05)
    other = sqlite3.connect(archive.path, check_same_thread=False)
    with contextlib.closing(other):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="locked by another program; set MIDIKIT_HOME"):
            archive.reserve(CLIP)
        with pytest.raises(OutputError, match="locked by another program"):
            archive.store(Record("first", "running", calls=1))
        timer = threading.Timer(0.2, other.rollback)
        timer.start()
        archive.store(DELIVERED, answer=RAW)
        timer.join()
    stored = archive.load(CLIP)
    assert stored is not None
    assert stored.answer == RAW


def test_an_archive_that_is_locked_while_it_is_opened_is_waited_for(
    archive: SqliteArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs make it at once: that lock passes like any other, or is told in the end."""
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", 0.01)
    archive.home.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(archive.path, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with monkeypatch.context() as short, SqliteArchive(archive.home) as hasty:
            short.setattr(Vault, "patience", 0.05)
            with pytest.raises(OutputError, match="locked by another program; set MIDIKIT_HOME"):
                hasty.reserve(CLIP)
        timer = threading.Timer(0.2, other.rollback)
        timer.start()
        assert archive.reserve(CLIP).granted
        timer.join()


def test_a_network_file_system_is_refused(
    archive: SqliteArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines do not see each other's locks there; it is said before anything is made."""
    table = tmp_path / "mounts"
    monkeypatch.setattr(home, "_MOUNTS", table)
    place = str(tmp_path / "some").replace(" ", "\\040")
    table.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/x {place} nfs4 rw 0 0\n")
    with pytest.raises(OutputError, match=r"network file system \(nfs4\).*set MIDIKIT_HOME to a"):
        archive.reserve(CLIP)
    assert not (tmp_path / "some").exists()
    table.write_text(f"server:/x / nfs rw 0 0\n/dev/vda {place} ext4 rw 0 0\n")
    assert archive.reserve(CLIP).granted
    table.unlink()
    assert home.network_file_system(tmp_path) == ""


@pytest.mark.parametrize("blocked", ["home", "owners"])
def test_a_folder_that_cannot_be_made_names_the_variable(
    archive: SqliteArchive, blocked: str
) -> None:
    """Before anything is paid: what is wrong and what to set."""
    place = archive.home if blocked == "home" else archive.home / "owners"
    place.parent.mkdir(parents=True)
    place.write_text("in the way")
    with pytest.raises(MidikitError, match="MIDIKIT_HOME"):
        archive.reserve(CLIP)


def test_no_lock_is_refused_before_paying(
    archive: SqliteArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system without locks cannot tell who is alive."""

    def fail(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", fail)
    with pytest.raises(OutputError, match="Operation not supported; set MIDIKIT_HOME"):
        archive.reserve(CLIP)


def as_nobody(code: str, *words: object) -> str:
    """Run code as a user to whom nothing here belongs; root may write everywhere."""
    drop = "import os, sys; sys.path[:0] = [sys.argv.pop(1)]\n"
    drop += "import midikit.fetch.disk.sqlite, midikit.fetch.answers, encodings.idna\n"
    drop += "os.geteuid() or os.setresuid(65534, 65534, 65534)\n"
    command = [sys.executable, "-c", drop + code, Path(home.__file__).parents[2], *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_a_read_only_home_is_read_and_not_written() -> None:
    """Loading, verifying and exporting work there; a grant names what to set."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with SqliteArchive(folder / "home") as archive:
            archive.store(DELIVERED, answer=RAW)
        for path in folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        (folder / "out").mkdir()
        (folder / "out").chmod(0o777)
        code = """
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.disk.vault import Vault
archive = SqliteArchive(sys.argv[1])
print(archive.load(sys.argv[3]).answer, archive.verify().damage)
print(archive.export(sys.argv[2]).clips)
try:
    archive.reserve("new")
except Exception as error:
    print(type(error).__name__, error)
"""
        said = as_nobody(code, folder / "home", folder / "out", CLIP).splitlines()
        assert said[:2] == [f"{RAW!r} ()", "1"]
        assert said[2].startswith("OutputError ")
        assert said[2].endswith("set MIDIKIT_HOME to a folder that can be written")
        assert (folder / "out" / f"{CLIP}.json").read_bytes() == RAW
        (folder / "home").chmod(0o700)


def test_a_closed_or_forked_archive_refuses(archive: SqliteArchive) -> None:
    """In words; and a child does not keep its parent's clips from being free."""
    archive.reserve(CLIP)
    name = archive._vault.owner()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: threads and fork
        child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            archive.reserve("other")
        os._exit(0 if archive._vault._owners._descriptor == -1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert archive.load("other") is None
    archive._vault._pid += 1
    with pytest.raises(OutputError, match="forked from; open it anew"):
        archive.reserve("other")
    archive._vault._pid -= 1
    archive.close()
    archive.close()
    assert not Owners(archive.home / "owners").is_alive(name)
    for step in (archive.load, archive.reserve):
        with pytest.raises(OutputError, match="the archive is closed; open it anew"):
            step(CLIP)


def test_a_forked_archive_does_not_wait_for_its_parent(archive: SqliteArchive) -> None:
    """A lock that a thread of the parent held is never given back in the child."""
    archive.reserve(CLIP)
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with archive._vault._lock:
            held.set()
            go.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: threads and fork
        child = os.fork()
    if child == 0:
        signal.alarm(5)
        with contextlib.suppress(OutputError):
            archive.load(CLIP)
        archive.close()
        os._exit(0)
    go.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_a_forgotten_archive_lets_go_of_its_clips(tmp_path: Path) -> None:
    """Also where the last that was written is what its thread remembers."""
    archive = SqliteArchive(tmp_path)
    archive.reserve(CLIP)
    del archive
    with SqliteArchive(tmp_path) as other:
        (row,) = other.list()
        for _ in range(500):
            if row.owner:
                time.sleep(0.01)
                (row,) = other.list()
        assert (row.state, row.owner) == ("unknown", "")


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be moved there")
def test_nothing_is_written_into_a_file_that_was_removed(archive: SqliteArchive) -> None:
    """SQLite would take an answer and lose it; another program may have made a new archive."""
    archive.reserve(CLIP)
    archive.home.rename(archive.home.with_name("moved"))
    with SqliteArchive(archive.home) as other:
        other.reserve("other")
        for step in (archive.reserve, lambda _: archive.store(DELIVERED, answer=RAW)):
            with pytest.raises(OutputError, match="was moved or removed while it was open"):
                step(CLIP)


def test_holders_that_were_killed_leave_no_files(tmp_path: Path) -> None:
    """The next one that takes a name clears up; names that are none are dead."""
    (tmp_path / f"{'ab' * 8}.lock").touch()
    owners = Owners(tmp_path)
    name = owners.name()
    assert [path.stem for path in tmp_path.iterdir()] == [name]
    other = Owners(tmp_path)
    alive = [other.is_alive(who) for who in (name, name, "", "../x", "cd" * 8)]
    assert alive == [True, True, False, False, False]
    owners.close()
    assert not other.is_alive(name)


def test_a_lock_that_was_removed_by_its_holder_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opened the file before its holder removed it does not hold a file nobody sees."""
    path, opened = tmp_path / "lock", os.open

    def open_then_lose(path: Any, *args: Any, **kwargs: Any) -> int:
        descriptor = opened(path, *args, **kwargs)
        monkeypatch.undo()
        Path(path).unlink()
        return descriptor

    monkeypatch.setattr("midikit.fetch.disk.locks.os.open", open_then_lose)
    first, second = locks.take(path), locks.take(path)
    assert first is not None
    assert second is None
    locks.release(first, path)


def test_a_holder_that_was_swept_as_it_began_takes_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever swept its file, before it was locked, holds that name for dead for ever."""
    one, other = Owners(tmp_path), Owners(tmp_path)
    opened, swept = os.open, []

    def open_then_sweep(path: Any, *args: Any, **kwargs: Any) -> int:
        descriptor = opened(path, *args, **kwargs)
        monkeypatch.undo()
        swept.append(other.is_alive(Path(path).stem))
        return descriptor

    monkeypatch.setattr("midikit.fetch.disk.locks.os.open", open_then_sweep)
    assert other.is_alive(one.name())
    assert swept == [False]
    assert [path.stem for path in tmp_path.glob("*.lock")] == [one.name()]


def test_a_lost_or_foreign_row_is_never_bought(archive: SqliteArchive) -> None:
    """A row that is gone, stands under another id, or is older than the log."""
    archive.reserve(CLIP)
    archive.store(replace(DELIVERED, state="failed"))
    with reopened(archive) as again:
        copy = again.path.read_bytes()
        assert again.reserve(CLIP).granted
        again.store(DELIVERED, answer=RAW)
    whole = again.path.read_bytes()
    archive.path.write_bytes(copy)
    with SqliteArchive(archive.home) as older:
        assert older.load(CLIP) is not None
        with pytest.raises(InputError, match="older than the log of what was paid for"):
            older.reserve(CLIP)
    archive.path.write_bytes(whole)
    execute(archive, "UPDATE clips SET clip_id = ?", CLIP.replace("29", "39"))
    with SqliteArchive(archive.home) as moved:
        for clip_id in (CLIP, CLIP.replace("29", "39")):
            with pytest.raises(InputError, match="its row is not that of its SHA-256"):
                moved.reserve(clip_id)
        assert moved.reserve("new").granted
        assert [d.problem for d in moved.verify().damage][:1] == [
            "damaged: its row is not that of its SHA-256"
        ]
    archive.path.write_bytes(whole)
    execute(archive, "DELETE FROM clips WHERE clip_id = ?", CLIP)
    refused(archive.home, "its row is lost")


def test_a_lost_midi_is_told(archive: SqliteArchive, tmp_path: Path) -> None:
    """The row is sound and knows of none, the log does; a new one or a copy puts it right."""
    archive.reserve(CLIP)
    archive.store(DELIVERED, answer=RAW)
    archive.export(tmp_path / "out")
    archive.close()
    copy = archive.path.read_bytes()
    with SqliteArchive(archive.home) as whole:
        whole.store(replace(DELIVERED, midi_origin="hosted"), midi=MID)
        assert whole.verify().damage == ()
    told = [f"clip {CLIP}: damaged: its row is older than the log of what was paid for"]
    archive.path.write_bytes(copy)
    with SqliteArchive(archive.home) as older:
        assert [str(damage) for damage in older.verify().damage] == told
        stored = older.load(CLIP)
        assert stored is not None
        assert (stored.answer, stored.midi) == (RAW, None)
        older.store(replace(DELIVERED, midi_origin="hosted"), midi=MID)
        assert older.verify().damage == ()
    archive.path.write_bytes(copy)
    with SqliteArchive(archive.home) as older:
        assert [str(damage) for damage in older.verify().damage] == told
        assert older.import_folder(tmp_path / "out").restored == 1
        assert older.verify().damage == ()


def test_damaged_bytes_are_reported(archive: SqliteArchive) -> None:
    """An answer is an error, a .mid alone is left out; verify names each."""
    archive.store(replace(DELIVERED, midi_origin="hosted"), answer=RAW, midi=MID)
    archive.store(Record("other", "unknown"), fragment=b"abc")
    assert archive.verify().damage == ()
    execute(archive, "UPDATE bytes SET data = x'00' WHERE kind = 'midi'")
    execute(archive, "UPDATE bytes SET data = x'00' WHERE kind = 'fragment-1'")
    stored = archive.load(CLIP)
    assert stored is not None
    assert (stored.answer, stored.midi) == (RAW, None)
    assert "bytes of its midi are not those of their SHA-256" in str(stored.damage)
    with pytest.raises(InputError, match="fragment-1"):
        archive.fragments("other")
    execute(archive, "UPDATE bytes SET clip_id = 'elsewhere' WHERE kind = 'answer'")
    with pytest.raises(InputError, match=f"clip {CLIP}: damaged: the bytes of its answer are lost"):
        archive.load(CLIP)
    assert not archive.reserve(CLIP).granted
    assert [str(damage) for damage in archive.verify().damage] == [
        f"clip {CLIP}: damaged: the bytes of its answer are lost",
        f"clip {CLIP}: damaged: the bytes of its midi are not those of their SHA-256",
        "clip other: damaged: the bytes of its fragment-1 are not those of their SHA-256",
        "clip elsewhere: damaged: the bytes of its answer have no row",
    ]
    execute(archive, "UPDATE clips SET digest = x'00' WHERE clip_id = 'other'")
    assert [record.clip_id for record in archive.records()] == [CLIP]
    with pytest.raises(InputError, match="clip other: damaged"):
        list(archive.list())


def test_the_log_is_mended_from_the_ledger(archive: SqliteArchive) -> None:
    """Lost lines come back with the next grant; damaged ones and a torn end spoil no others."""
    log = archive.home / "intents.log"
    archive.store(DELIVERED, answer=RAW)
    archive.reserve("other")
    archive.close()
    lines = log.read_bytes()
    log.unlink()
    with SqliteArchive(archive.home) as again:
        assert again.verify().damage == ()
        again.reserve("new")
    assert sorted(log.read_bytes().split()) == sorted(
        [*lines.split(), line_of("R", "new", 1).strip()]
    )
    with log.open("ab") as file:
        file.write(b"Rtorn")
    with SqliteArchive(archive.home) as again:
        (damage,) = again.verify().damage
        assert str(damage) == "damaged: lines of intents.log that are none: 1 of 4"
        assert again.reserve("newer").granted
    claims = IntentLog(log).read()
    assert (claims.damaged, claims.lines, len(claims.grants)) == (1, 5, 4)


def test_a_line_counts_only_as_it_is_written(tmp_path: Path) -> None:
    """No bit of it can change unseen, capitals and blanks included."""
    log = IntentLog(tmp_path / "log")
    line = line_of("R", CLIP, 1)
    for position in range(8 * len(line)):
        changed = bytearray(line)
        changed[position // 8] ^= 1 << position % 8
        log.path.write_bytes(bytes(changed))
        claims = log.read()
        assert claims.damaged, changed
        assert not claims.grants
    log.path.write_bytes(line + line_of("D", CLIP, 1))
    claims = log.read()
    assert (list(claims.grants.values()), list(claims.stages.values())) == ([1], [1])
    log.append([line_of("M", CLIP, 1), line_of("R", CLIP, 2)])
    claims = log.read()
    assert (list(claims.grants.values()), list(claims.stages.values())) == ([2], [2])
    log.append([line_of("-", CLIP, 1)])
    assert (log.read().grants, log.read().stages) == ({}, {})


class Failing:
    """A connection whose k-th writing statement fails as on a full disk."""

    def __init__(self, connection: sqlite3.Connection, faults: list[int]) -> None:
        self._connection = connection
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: Any) -> Any:
        """Count what writes."""
        if statement.startswith(("INSERT", "DELETE", "COMMIT", "BEGIN", "RELEASE")):
            self._faults[0] -= 1
            if self._faults[0] == 0:
                if statement == "COMMIT":
                    self._connection.execute("ROLLBACK")
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
        return self._connection.execute(statement, *values)


def steps(archive: SqliteArchive) -> list[str]:
    """Pay for two clips; return what was done, and what was refused."""
    done = []
    held = replace(DELIVERED, state="in flight", calls=2)
    calls: dict[str, Callable[[], object]] = {
        "reserve": lambda: archive.reserve(CLIP),
        "poll": lambda: archive.store(replace(held, owner=archive._vault.owner())),
        "answer": lambda: archive.store(DELIVERED, answer=RAW),
        "midi": lambda: archive.store(replace(DELIVERED, midi_origin="hosted"), midi=MID),
        "another": lambda: archive.reserve("other"),
        "fragment": lambda: archive.store(Record("other", "unknown"), fragment=b"abc"),
    }
    for name, step in calls.items():
        try:
            step()
        except OutputError as error:
            full = "disk is full; set MIDIKIT_HOME" in str(error)
            done.append(f"no {name}" if full else str(error))
        else:
            done.append(name)
    return done


def check_steps(done: list[str], folder: Path) -> None:
    """Everything that was said to be kept is there, and nothing that was sent is forgotten."""
    with SqliteArchive(folder) as archive:
        assert archive.verify().damage == ()
        stored, other = archive.load(CLIP), archive.load("other")
        if "reserve" in done or "answer" in done:
            assert stored is not None
            assert stored.record.state in {"unknown", "delivered"}
        if "answer" in done:
            assert stored is not None
            assert stored.answer == RAW
        if "midi" in done:
            assert stored is not None
            assert stored.midi == MID
        if "another" in done:
            assert other is not None
            assert other.record.state == "unknown"
        if "fragment" in done:
            assert archive.fragments("other") == (b"abc",)


def test_the_kth_write_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For every k: one step is refused before it is acknowledged, no other suffers."""
    faults = [0]
    monkeypatch.setattr(
        "midikit.fetch.disk.writer.open_to_write", lambda path: Failing(open_to_write(path), faults)
    )
    refusals = []
    for k in range(1, 100):
        faults[0] = k
        with SqliteArchive(tmp_path / str(k)) as archive:
            done = steps(archive)
        if faults[0] > 0:
            break
        faults[0] = 0
        (refusal,) = [step for step in done if step.startswith("no ")]
        refusals.append(refusal)
        check_steps(done, tmp_path / str(k))
    assert len(refusals) > 20
    assert len(set(refusals)) == 6


def test_the_kth_line_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grant without its line does not stand; an answer is kept with or without."""
    append = IntentLog.append
    left = [0]

    def fail(log: IntentLog, lines: list[bytes]) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(28, "the disk is full")
        append(log, lines)

    monkeypatch.setattr(IntentLog, "append", fail)
    expected = {1: ["no reserve"], 2: [], 3: [], 4: ["no another"]}
    for k, refusals in expected.items():
        left[0] = k
        with SqliteArchive(tmp_path / str(k)) as archive:
            done = steps(archive)
            assert [step for step in done if step.startswith("no ")] == refusals
        check_steps(done, tmp_path / str(k))
    left[0] = 1
    with SqliteArchive(tmp_path / "undone") as archive:
        with pytest.raises(OutputError, match=r"intents\.log: cannot be written: the disk is full"):
            archive.reserve(CLIP)
        stored = archive.load(CLIP)
        assert stored is not None
        assert (stored.record.state, stored.record.calls) == ("refundable", 0)
        assert stored.record.problem == "the call was not sent, its reservation was interrupted"
        assert archive.reserve(CLIP).granted
    with SqliteArchive(tmp_path / "undone") as archive:
        assert archive.verify().damage == ()


def test_a_full_disk_says_so(archive: SqliteArchive) -> None:
    """The database itself is full: the answer is refused, the next small thing is not."""
    archive.reserve(CLIP)
    connection = archive._vault._writer._connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 3}")
    jobs = [lambda: archive.store(DELIVERED, answer=bytes(100_000)), lambda: archive.reserve("b")]
    errors: list[Exception] = []

    def run(job: Any) -> None:
        try:
            job()
        except OutputError as error:
            errors.append(error)

    with contextlib.closing(sqlite3.connect(archive.path, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")  # so that both come into one transaction
        threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        threading.Event().wait(0.1)
        other.rollback()
    for thread in threads:
        thread.join()
    (error,) = errors
    assert "disk is full; set MIDIKIT_HOME to a folder that can be written" in str(error)
    there = archive.load("b")
    assert there is not None
    assert there.record.state == "in flight"


def test_an_interrupted_reservation_does_not_stand(archive: SqliteArchive) -> None:
    """Ctrl-C while it waits for the disk: nothing was sent, so nothing is unknown."""
    archive.reserve("first")
    other = sqlite3.connect(archive.path, check_same_thread=False)
    with contextlib.closing(other):
        other.execute("BEGIN IMMEDIATE")
        timers = [
            threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)),
            threading.Timer(0.3, other.rollback),
        ]
        for timer in timers:
            timer.start()
        with pytest.raises(KeyboardInterrupt):
            archive.reserve(CLIP)
        for timer in timers:
            timer.join()
    stored = archive.load(CLIP)
    assert stored is not None
    assert (stored.record.state, stored.record.owner) == ("refundable", "")
    assert archive.reserve(CLIP).granted


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (RAW, "delivered"),
        (b'{"data": {"state": "running"}}', "running"),
        (b'{"code": 400, "message": "task not found."}', "failed"),
        (b'{"data": {"state": "failed"}}', "failed"),
        (b'{"code": 504, "message": "Credits were previously refunded."}', "refundable"),
    ],
)
def test_a_callback_is_kept(archive: SqliteArchive, body: bytes, state: str) -> None:
    """Twice the same is once; nothing is held and nothing was paid."""
    for _ in range(2):
        record = archive.ingest(CLIP, body)
        assert (record.state, record.calls, record.owner) == (state, 0, "")
        assert record.source == "callback"
    stored = archive.load(CLIP)
    assert stored is not None
    assert stored.answer == (body if state == "delivered" else None)
    assert archive.fragments(CLIP) == ()
    assert archive.verify().damage == ()


@pytest.mark.parametrize("state", ["running", "unknown"])
@pytest.mark.parametrize("body", [b'{"data": {"state": "failed"}}', b'{"code": 400}'])
def test_a_callback_that_failed_allows_no_call_by_itself(
    archive: SqliteArchive, state: State, body: bytes
) -> None:
    """The call before it may have been charged: only the user may ask again."""
    archive.reserve(CLIP)
    archive.store(Record(CLIP, state, calls=1, sent=1e9))
    archive.ingest(CLIP, body)
    stored = archive.load(CLIP)
    assert stored is not None
    assert (stored.record.state, stored.record.calls) == ("unknown", 1)
    assert not archive.reserve(CLIP).granted
    assert archive.reserve(CLIP, resend_unknown=True).granted


def test_a_callback_and_a_call_at_once(archive: SqliteArchive) -> None:
    """News of a clip that is held change nothing, its answer does; a second one is kept beside."""
    archive.reserve(CLIP)
    assert archive.ingest(CLIP, b'{"data": {"state": "failed"}}').state == "in flight"
    record = archive.ingest(CLIP, RAW)
    assert (record.state, record.calls, bool(record.owner)) == ("delivered", 1, True)
    archive.store(replace(DELIVERED, state="unknown", calls=1))
    assert archive.ingest(CLIP, b'{"data": {"state": "failed"}}').state == "delivered"
    other = RAW.replace(b"200", b"0200").replace(b"0200", b"200 ")
    assert archive.ingest(CLIP, other).state == "delivered"
    stored = archive.load(CLIP)
    assert stored is not None
    assert stored.answer == RAW
    assert archive.fragments(CLIP) == (other,)
    archive.store(Record("lost", "unknown", calls=1))
    assert archive.ingest("lost", RAW).state == "delivered"


def test_what_is_no_callback_is_refused(archive: SqliteArchive) -> None:
    """Cut short, no JSON, no clip id: one line, and nothing is changed."""
    for body in (RAW[:20], b"<html>", b""):
        with pytest.raises(InputError, match=rf"^clip {CLIP}: .*; nothing was changed$"):
            archive.ingest(CLIP, body)
    for clip_id in ("", "a b", "ä", "x" * 201, "a\n"):
        for step in (archive.reserve, lambda clip_id: archive.ingest(clip_id, RAW)):
            with pytest.raises(InputError, match="is no clip id; expected 1 to 200 visible ASCII"):
                step(clip_id)
        with pytest.raises(InputError, match="is no clip id"):
            MemoryArchive().reserve(clip_id)
    assert not archive.home.exists()


def test_what_goes_out_comes_back(archive: SqliteArchive, tmp_path: Path) -> None:
    """Byte for byte, under ids that no file system takes, with their rows."""
    out = tmp_path / "out"
    ids = [CLIP, "a/../b", "A:b", "a|b", "nul", "..", "x" * 200]
    for number, clip_id in enumerate(ids):
        record = replace(DELIVERED, clip_id=clip_id, calls=number)
        midi = MID if number % 2 else None
        archive.store(replace(record, midi_origin="rebuilt"), answer=RAW + b" " * number, midi=midi)
    archive.store(Record("unknown", "unknown"), fragment=b"abc")
    done = archive.export(out)
    assert (done.clips, done.written, done.same, done.damage) == (7, 10, 0, ())
    assert (out / f"{CLIP}.json").read_bytes() == RAW
    assert len(list(out.glob("*.json"))) == 7
    assert all(path.parent == out for path in out.rglob("*"))
    again = archive.export(out)
    assert (again.clips, again.written, again.same) == (7, 0, 10)
    with SqliteArchive(tmp_path / "other") as other:
        came = other.import_folder(out)
        assert (came.added, came.restored, came.same, came.damage) == (7, 0, 0, ())
        assert other.import_folder(out).same == 7
        for clip_id in ids:
            one, two = archive.load(clip_id), other.load(clip_id)
            assert one is not None
            assert two is not None
            same = replace(one.record, source="import", changed=two.record.changed)
            assert (two.answer, two.midi, two.record) == (one.answer, one.midi, same)
            assert not other.reserve(clip_id).granted


def test_an_export_overwrites_nothing_else(archive: SqliteArchive, tmp_path: Path) -> None:
    """Neither a changed file nor a link nor with a list that leads elsewhere, unless forced."""
    archive.store(DELIVERED, answer=RAW)
    archive.store(replace(DELIVERED, clip_id="other"), answer=RAW)
    target = tmp_path / "target"
    (tmp_path / f"{CLIP}.json").write_text("mine")
    (tmp_path / "other.json").symlink_to(target)
    done = archive.export(tmp_path)
    assert (done.clips, done.written) == (0, 0)
    assert [str(d) for d in done.damage] == [
        f"clip {name}: {tmp_path / f'{name}.json'}: {problem}"
        for name, problem in (
            (CLIP, "exists with other content; pass force=True to replace it"),
            ("other", "is a symbolic link; pass force=True to replace it, not what it points to"),
        )
    ]
    assert archive.export(tmp_path, force=True).clips == 2
    assert not target.exists()
    assert (tmp_path / "other.json").read_bytes() == RAW
    listed = tmp_path / "midikit-archive.jsonl"
    listed.write_text(listed.read_text().replace('"name":"other"', '"name":"../other"'))
    with pytest.raises(InputError, match=r"midikit-archive\.jsonl: line 2: no line of an export"):
        archive.export(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="this folder cannot be made"):
        archive.export(tmp_path / "file" / "x")


def test_an_export_leaves_out_what_is_damaged(archive: SqliteArchive, tmp_path: Path) -> None:
    """The others are written, and each that is not whole is named; so is what was asked for."""
    for clip_id in (CLIP, "answer", "midi", "row"):
        archive.store(replace(DELIVERED, clip_id=clip_id), answer=RAW, midi=MID)
    execute(archive, "UPDATE bytes SET data = x'00' WHERE clip_id = kind")
    execute(archive, "UPDATE clips SET digest = x'00' WHERE clip_id = 'row'")
    done = archive.export(tmp_path / "out")
    assert done.clips == 2
    assert [damage.clip_id for damage in done.damage] == ["answer", "midi", "row"]
    assert done.damage[1].problem.startswith("its .mid is left out: damaged: the bytes of")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{CLIP}.json", f"{CLIP}.mid", "midi.json", "midikit-archive.jsonl"}
    asked = archive.export(tmp_path / "out", ["never", CLIP, CLIP])
    assert asked.clips == 1
    assert str(asked.damage[0]) == "clip never: not in the archive: there is no answer of it"


def test_an_import_puts_damage_right(archive: SqliteArchive, tmp_path: Path) -> None:
    """Bytes, rows, lost rows and rows under another id; afterwards all is sound."""
    out = tmp_path / "out"
    ids = ("answer", "digest", "key", "lost", "midi")
    for clip_id in ids:
        archive.reserve(clip_id)
        archive.store(replace(DELIVERED, clip_id=clip_id), answer=RAW, midi=MID)
    archive.export(out)
    archive.close()
    execute(archive, "UPDATE bytes SET data = x'00' WHERE clip_id = kind")
    execute(archive, "UPDATE clips SET digest = x'00' WHERE clip_id = 'digest'")
    execute(archive, "UPDATE clips SET clip_id = 'kex' WHERE clip_id = 'key'")
    execute(archive, "DELETE FROM clips WHERE clip_id = 'lost'")
    with SqliteArchive(archive.home) as hurt:
        assert len({damage.clip_id for damage in hurt.verify().damage}) == 7
        done = hurt.import_folder(out)
        assert (done.added, done.restored, done.same, done.damage) == (0, 5, 0, ())
        assert hurt.verify().damage == ()
        assert not hurt.reserve("lost").granted
        assert hurt.import_folder(out).same == 5
    with SqliteArchive(archive.home) as whole:
        assert whole.verify().damage == ()
        assert not any(whole.reserve(clip_id).granted for clip_id in ids)


def test_an_import_takes_only_what_is_whole(archive: SqliteArchive, tmp_path: Path) -> None:
    """Each file that is not is named, and costs the others nothing."""
    archive.store(DELIVERED, answer=RAW)
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(InputError, match=r"no \.json file in this folder"):
        archive.import_folder(folder)
    with pytest.raises(InputError, match="cannot be read"):
        archive.import_folder(tmp_path / "none")
    (folder / f"{CLIP}.json").write_bytes(RAW + b" ")
    (folder / "new.json").write_bytes(RAW)
    (folder / "new.mid").write_bytes(MID)
    (folder / "running.json").write_bytes(b'{"state": "running"}')
    (folder / "no id.json").write_bytes(RAW)
    done = archive.import_folder(folder)
    assert done.added == 1
    said = "\n".join(map(str, done.damage))
    assert "29fc9d9e-a550-47d9-bfd2-6640a4025acc.json: not the answer that the archive has" in said
    assert "running.json: no complete answer" in said
    assert "'no id' is no clip id" in said
    stored = archive.load("new")
    assert stored is not None
    assert (stored.midi, stored.record.midi_origin) == (MID, "hosted")
    out = tmp_path / "out"
    archive.export(out)
    (out / f"{CLIP}.json").write_bytes(RAW + b" ")
    (out / "new.mid").unlink()
    said = "\n".join(map(str, archive.import_folder(out).damage))
    assert f"{CLIP}.json: is not the file that midikit-archive.jsonl names by its SHA-256" in said
    assert "new.mid: is gone or not the file" in said
    (out / "new.json").unlink()
    assert "new.json: on the list, but gone" in str(archive.import_folder(out).damage[-1])


def test_pruning_removes_nothing_that_may_be_paid_for(
    archive: SqliteArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By state and age; delivered clips only when it is said twice, unknown ones never."""
    assert archive.prune() == ()
    assert not archive.home.exists()
    for state in STATES:
        if state != "delivered":
            archive.store(Record(state.replace(" ", "-"), state), fragment=b"abc")
    archive.store(DELIVERED, answer=RAW)
    assert archive.prune() == ()  # what has just changed stays
    monkeypatch.setattr("midikit.fetch.disk.pruning._YOUNGEST_SECONDS", -1.0)
    for states in (["unknown"], ["in flight"], ["delivered"]):
        with pytest.raises(ValueError, match="are not removed"):
            archive.prune(states)  # type: ignore[arg-type]
    assert archive.prune(older_than_days=1) == ()
    found = archive.prune(dry_run=True)
    assert archive.prune() == found
    assert [record.clip_id for record in found] == ["failed", "refundable"]
    assert archive.verify().damage == ()
    gone = archive.prune(["delivered", "running"], delivered=True)
    assert [record.clip_id for record in gone] == [CLIP, "running"]
    with reopened(archive) as again:
        assert again.verify().damage == ()
        assert [record.clip_id for record in again.list()] == ["in-flight", "unknown"]
        assert again.load(CLIP) is None
        assert again.reserve(CLIP) == (True, None)


def test_pruning_writes_the_log_first(
    archive: SqliteArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that is gone without its line would be a row that was lost."""
    archive.store(Record(CLIP, "failed"))
    monkeypatch.setattr("midikit.fetch.disk.pruning._YOUNGEST_SECONDS", -1.0)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    archive._vault.census()
    monkeypatch.setattr(IntentLog, "append", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        archive.prune()
    assert archive.load(CLIP) is not None


def test_the_home_is_where_the_variable_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The variable, a tilde in it, or the user's data folder."""
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path))
    assert SqliteArchive().path == tmp_path / "archive.sqlite3"
    with SqliteArchive(tmp_path / "a b?c#d%41&mode=ro") as odd:
        odd.store(DELIVERED, answer=RAW)
        assert odd.path.exists()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIDIKIT_HOME", "here")
    with SqliteArchive() as relative:
        monkeypatch.chdir("/")
        relative.reserve(CLIP)
    assert (tmp_path / "here" / "archive.sqlite3").exists()
    monkeypatch.setenv("MIDIKIT_HOME", "~/music")
    assert home.home_folder() == Path.home() / "music"
    monkeypatch.setenv("MIDIKIT_HOME", "")
    assert home.home_folder().name == "midikit"


def test_a_probe_grants_nothing(archive: SqliteArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes as a grant would, and says what a grant would say."""
    archive.probe()
    assert archive.path.exists()
    assert list(archive.list()) == []
    assert (archive.home / "intents.log").read_bytes() == b""
    monkeypatch.setattr(Vault, "patience", 0.05)
    with contextlib.closing(sqlite3.connect(archive.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="locked by another program"):
            archive.probe()


def test_a_log_that_cannot_be_read_stops_everything_new(archive: SqliteArchive) -> None:
    """What is there is still read; nothing is bought, and verify says why."""
    archive.store(DELIVERED, answer=RAW)
    archive.close()
    log = archive.home / "intents.log"
    log.unlink()
    log.mkdir()
    with SqliteArchive(archive.home) as again:
        assert again.load(CLIP) is not None
        for step in (again.load, again.reserve):
            with pytest.raises(InputError, match=r"intents\.log: cannot be read: Is a directory"):
                step("new")
        assert [str(damage) for damage in again.verify().damage] == [
            f"{log}: cannot be read: Is a directory"
        ]


def test_verify_goes_past_broken_pages(archive: SqliteArchive) -> None:
    """Each page overwritten in turn: it says so, whatever the page was."""
    for number in range(20):
        record = replace(DELIVERED, clip_id=f"clip-{number}")
        archive.store(record, answer=bytes([number]) * 9000)
    archive.close()
    whole = archive.path.read_bytes()
    for page in range(len(whole) // 4096):
        hurt = bytearray(whole)
        hurt[4096 * page : 4096 * (page + 1)] = b"\xa5" * 4096
        archive.path.write_bytes(bytes(hurt))
        with SqliteArchive(archive.home) as again:
            assert again.verify().damage, page
            for number in range(20):
                with contextlib.suppress(MidikitError):
                    assert not again.reserve(f"clip-{number}").granted
