"""What was paid for stays readable, stays private, and damage to it is seen."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.errors import InputError, OutputError
from midikit.fetch.archive import Archive, home_folder
from midikit.fetch.keeping import spill
from midikit.fetch.marks import Mark
from midikit.fetch.store import Stored
from midikit.files import write_bytes

CLIP = "29fc9d9e-a550-47d9-bfd2-6640a4025acc"
RAW = b'{"code": 200, "data": {"instruments": []}}'
SENT = Mark("in flight", 1e9)
MID = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Make an archive in a folder that does not exist yet."""
    return Archive(tmp_path / "some" / "home")


def test_what_is_stored_comes_back(archive: Archive) -> None:
    """Bytes are the same bytes, and what is not there is None."""
    assert archive.load(CLIP) is None
    assert archive.list() == ()
    archive.store_answer(CLIP, RAW)
    assert archive.load(CLIP) == Stored(CLIP, RAW)
    archive.store_hosted(CLIP, MID)
    assert archive.load(CLIP) == Stored(CLIP, RAW, MID)
    archive.store_answer("other", b"\x00\xff")
    assert archive.list() == (CLIP, "other")
    assert CLIP in archive
    assert "third" not in archive
    assert 5 not in archive
    assert RAW.decode() not in repr(archive.load(CLIP))


def test_a_fragment_is_no_answer(archive: Archive) -> None:
    """What came of a broken answer is kept, and never served as one."""
    where = archive.store_fragment(CLIP, RAW[:10])
    archive.store_hosted(CLIP, MID)
    assert Path(where).read_bytes() == RAW[:10]
    assert archive.load(CLIP) is None
    assert archive.list() == ()


@pytest.mark.parametrize("umask", [0o000, 0o777, 0o277])
def test_nobody_else_can_read_it(archive: Archive, umask: int) -> None:
    """Folders are 0700 and files 0600 whatever the umask."""
    before = os.umask(umask)
    try:
        archive.store_mark(CLIP, SENT)
        archive.store_answer(CLIP, RAW)
        archive.store_hosted(CLIP, MID)
    finally:
        os.umask(before)
    for folder in (archive.path, archive.home, archive.home.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in archive.path.iterdir()}
    assert modes == {0o600}
    assert archive.load(CLIP) == Stored(CLIP, RAW, MID)


def test_a_folder_that_others_can_enter_is_closed(archive: Archive) -> None:
    """Its own folder is made private again; the one above it belongs to the user."""
    archive.path.mkdir(parents=True)
    archive.path.chmod(0o755)
    archive.home.chmod(0o755)
    archive.store_mark(CLIP, SENT)
    assert stat.S_IMODE(archive.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(archive.home.stat().st_mode) == 0o755


def test_a_mark_comes_back_until_it_is_removed(archive: Archive) -> None:
    """What was noted before a call is there after it, for this clip alone."""
    assert archive.load_mark(CLIP) is None
    archive.store_mark(CLIP, SENT)
    assert archive.load_mark(CLIP) == SENT
    unknown = Mark("unknown", 1e9, "no answer in time")
    archive.store_mark(CLIP, unknown)
    assert archive.load_mark(CLIP) == unknown
    assert archive.load_mark("other") is None
    assert archive.load(CLIP) is None
    assert archive.list() == ()
    archive.store_mark(CLIP, None)
    archive.store_mark(CLIP, None)
    assert list(archive.path.iterdir()) == []


def test_a_damaged_mark_does_not_free_its_clip(archive: Archive) -> None:
    """Any bit of it, all of it, or the mark of another clip: the outcome is unknown."""
    archive.store_mark(CLIP, Mark("running", 1e9))
    (path,) = archive.path.iterdir()
    sound = path.read_bytes()
    forged = [sound[:9], b"", b"\n[]", b"\n" + b"[" * 4000, Mark("running", 1e9).to_bytes("other")]
    forged += [
        sound[: bit // 8] + bytes([sound[bit // 8] ^ 1 << bit % 8]) + sound[bit // 8 + 1 :]
        for bit in range(0, len(sound) * 8, 3)
    ]
    for damaged in forged:
        path.write_bytes(damaged)
        mark = archive.load_mark(CLIP)
        assert mark is not None
        assert (mark.blocks, mark.moment) == (True, "")
        assert mark.reason == "the note about it is damaged"


def test_a_clip_has_one_holder(archive: Archive) -> None:
    """Nobody else holds it meanwhile, another clip is free, and nothing is left behind."""
    with archive.hold(CLIP) as first, archive.hold(CLIP) as second:
        assert (first, second) == (True, False)
        with Archive(archive.home).hold(CLIP) as third, archive.hold("other") as other:
            assert (third, other) == (False, True)
    with archive.hold(CLIP) as again:
        assert again
    assert list(archive.path.iterdir()) == []


def test_a_lock_that_was_removed_by_its_holder_is_made_anew(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opened the file before its holder removed it does not hold a file nobody sees."""
    opened = os.open

    def open_then_lose(path: Any, *args: Any, **kwargs: Any) -> int:
        descriptor = opened(path, *args, **kwargs)
        monkeypatch.undo()
        Path(path).unlink()
        return descriptor

    archive.store_mark(CLIP, SENT)
    monkeypatch.setattr("midikit.fetch.locks.os.open", open_then_lose)
    with archive.hold(CLIP) as first, archive.hold(CLIP) as second:
        assert (first, second) == (True, False)


def test_no_lock_is_refused_before_paying(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system without locks cannot promise that one alone pays."""

    def fail(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", fail)
    with pytest.raises(OutputError, match="MIDIKIT_HOME"), archive.hold(CLIP):
        pass


def test_no_fragment_replaces_another(archive: Archive) -> None:
    """What came of each try is kept."""
    paths = [Path(archive.store_fragment(CLIP, data)) for data in (b"one", b"two", b"three")]
    assert [path.read_bytes() for path in paths] == [b"one", b"two", b"three"]
    assert [path.suffix for path in paths] == [".fragment", ".fragment-2", ".fragment-3"]


def test_a_flipped_bit_is_seen_anywhere(archive: Archive) -> None:
    """Any bit of an answer, a .mid or a digest, and the message says not to worry about paying."""
    archive.store_answer(CLIP, RAW)
    archive.store_hosted(CLIP, MID)
    for path in sorted(archive.path.iterdir()):
        sound = path.read_bytes()
        for bit in range(0, len(sound) * 8, 5):  # every place of a bit, every second byte or so
            damaged = bytearray(sound)
            damaged[bit // 8] ^= 1 << bit % 8
            path.write_bytes(damaged)
            if ".mid" in path.name:
                stored = archive.load(CLIP)
                assert stored is not None
                assert (stored.raw, stored.hosted) == (RAW, None)
                assert "damaged" in str(stored.hosted_problem)
            else:
                with pytest.raises(InputError, match=r"damaged: .*it is not bought again"):
                    archive.load(CLIP)
        path.write_bytes(sound)
    assert archive.load(CLIP) == Stored(CLIP, RAW, MID)


def test_a_missing_or_swapped_digest_is_damage(archive: Archive) -> None:
    """A file without its digest, or with that of another clip, is not believed."""
    archive.store_answer(CLIP, RAW)
    archive.store_answer("other", RAW)
    note, other = sorted(archive.path.glob("*.sha256"))
    shutil.copy(other, note)
    with pytest.raises(InputError, match="the note of its SHA-256 is damaged"):
        archive.load(CLIP)
    with pytest.raises(InputError, match="damaged"):
        archive.list()
    note.unlink()
    with pytest.raises(InputError, match="its SHA-256 is missing"):
        archive.load(CLIP)


def test_a_digest_of_a_renamed_clip_is_damage(archive: Archive) -> None:
    """The id beside a file must be the one its name was made of."""
    archive.store_answer(CLIP, RAW)
    (note,) = archive.path.glob("*.sha256")
    note.write_text(note.read_text().replace(CLIP, "another", 1))
    with pytest.raises(InputError, match="the clip id beside it is that of another file"):
        archive.list()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this system")
def test_other_programs_can_verify_it(archive: Archive) -> None:
    """The digests are those of sha256sum."""
    archive.store_answer(CLIP, RAW)
    archive.store_hosted(CLIP, MID)
    notes = [path.name for path in archive.path.glob("*.sha256")]
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", *notes], cwd=archive.path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout.count(b": OK")) == (0, 2)


def test_a_power_cut_between_two_writes_leaves_no_answer(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest comes first, so a digest alone is no answer, and the next write mends it."""

    def stop_before_answer(path: Path, *args: Any, **kwargs: Any) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write_bytes(path, *args, **kwargs)

    monkeypatch.setattr("midikit.fetch.archive.write_bytes", stop_before_answer)
    with pytest.raises(KeyboardInterrupt):
        archive.store_answer(CLIP, RAW)
    monkeypatch.undo()
    assert archive.load(CLIP) is None
    archive.store_answer(CLIP, RAW)
    assert archive.load(CLIP) == Stored(CLIP, RAW)


@pytest.mark.parametrize("blocked", ["home", "clips"])
def test_a_folder_that_cannot_be_made_names_the_variable(tmp_path: Path, blocked: str) -> None:
    """Before anything is paid: what is wrong and what to set."""
    archive = Archive(tmp_path / "home")
    place = archive.home if blocked == "home" else archive.path
    place.parent.mkdir(exist_ok=True)
    place.write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot be written: .*; set MIDIKIT_HOME to a folder"):
        archive.store_mark(CLIP, SENT)
    with pytest.raises(OutputError, match="MIDIKIT_HOME"):
        archive.store_answer(CLIP, RAW)


def test_not_being_able_to_look_is_not_absence(tmp_path: Path) -> None:
    """An archive that cannot be read is no reason to pay again."""
    (tmp_path / "clips").write_text("a file")
    archive = Archive(tmp_path)
    with pytest.raises(InputError, match=r"cannot be read: Not a directory; check MIDIKIT_HOME"):
        archive.load(CLIP)
    with pytest.raises(InputError, match="MIDIKIT_HOME"):
        archive.list()


ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200)


@given(ids, ids)
def test_two_clips_never_share_a_file(one: str, other: str) -> None:
    """Separators, dots, case and length make no two ids one file, and none leaves the folder."""
    archive = Archive("home")
    first, second = (archive._file(clip, "json") for clip in (one, other))
    assert first.parent == archive.path
    assert len(os.fsencode(first.name)) < 200
    assert (str(first).casefold() == str(second).casefold()) == (one == other)


def test_the_home_is_where_the_variable_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The variable, a tilde in it, or the user's data folder."""
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path))
    assert Archive().path == tmp_path / "clips"
    monkeypatch.setenv("MIDIKIT_HOME", "~/music")
    assert home_folder() == Path.home() / "music"
    monkeypatch.setenv("MIDIKIT_HOME", "")
    assert home_folder().name == "midikit"


def test_spilling_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A paid answer without an archive goes to a folder of its own, or nowhere."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = spill(f"../{CLIP}", RAW)
    assert path is not None
    assert path.read_bytes() == RAW
    assert path.parent.parent == tmp_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert spill(CLIP, RAW) is None
