"""Files: whole or not at all, never through a link."""

from __future__ import annotations

import errno
import os
import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from midikit.errors import InputError, LimitError, OutputError
from midikit.files import check_replace, read_bytes, write_bytes

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new bytes stand alone; no temporary file is left."""
    target = tmp_path / "song.mid"
    write_bytes(target, b"old")
    write_bytes(target, b"new", durable=True)
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["song.mid"]


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """What the link pointed to stays as it was."""
    victim, link = tmp_path / "victim", tmp_path / "song.mid"
    victim.write_bytes(b"mine")
    link.symlink_to(victim)
    write_bytes(link, b"song")
    assert victim.read_bytes() == b"mine"
    assert not link.is_symlink()


def test_permissions_hold_whatever_the_umask(tmp_path: Path) -> None:
    """A private file is private, a wide umask or a narrow one notwithstanding."""
    for mask in (0o000, 0o777):
        before = os.umask(mask)
        try:
            write_bytes(tmp_path / "secret", b"x", mode=0o600)
        finally:
            os.umask(before)
        assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    """No such folder, a folder in the way, a name with a NUL: one line, nothing left behind."""
    with pytest.raises(OutputError, match="cannot be written: No such file or directory"):
        write_bytes(tmp_path / "none" / "song.mid", b"x")
    with pytest.raises(OutputError, match="is a folder"):
        write_bytes(tmp_path, b"x")
    with pytest.raises(OutputError, match="cannot be written: embedded null"):
        write_bytes(f"{tmp_path}/a\0b", b"x")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_at_any_moment_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a worker is told to end in the very call that makes, writes or renames one."""
    for name in ("open", "write", "replace"):
        call = getattr(os, name)

        def interrupted(*args: Any, call: Any = call) -> None:
            call(*args)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(os, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                write_bytes(tmp_path / "song.mid", b"x")
        assert [path.name for path in tmp_path.glob("*.tmp")] == []
        assert {path.name for path in tmp_path.iterdir()} <= {"song.mid"}


def test_reading_is_bounded_and_says_why_not(tmp_path: Path) -> None:
    """A missing file, a folder, and one over the limit."""
    (tmp_path / "big").write_bytes(b"x" * 11)
    with pytest.raises(InputError, match="none: cannot be read: No such file or directory"):
        read_bytes(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_bytes(tmp_path)
    with pytest.raises(LimitError, match="larger than 10 bytes; pass max_bytes="):
        read_bytes(tmp_path / "big", max_bytes=10)
    assert read_bytes(tmp_path / "big", max_bytes=11) == b"x" * 11


def test_a_file_that_is_too_large_is_not_begun(tmp_path: Path) -> None:
    """Its size says so before room is made for a byte of it."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match="larger than 67,108,864 bytes; pass max_bytes="):
            read_bytes(tmp_path / "huge")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_an_error_without_words_of_the_system_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As file systems of other programs raise them; never 'None'."""
    monkeypatch.setattr(os, "open", _raiser(OSError("the mount is gone")))
    with pytest.raises(OutputError, match=r"cannot be written: the mount is gone$"):
        write_bytes(tmp_path / "x", b"")


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    """What has no size comes whole, however many pieces it comes in."""
    reader, writer = os.pipe()
    feeder = threading.Thread(target=_feed, args=(writer, [b"a" * 70_000, b"b" * 70_000]))
    feeder.start()
    assert len(read_bytes(f"/dev/fd/{reader}")) == 140_000
    feeder.join()
    os.close(reader)


def _feed(writer: int, pieces: list[bytes]) -> None:
    with open(writer, "wb") as file:
        for piece in pieces:
            file.write(piece)
            file.flush()


def test_what_stops_a_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is told, an interrupt goes on its way; the old file stays, the new one goes."""
    (tmp_path / "song.mid").write_bytes(b"old")
    full = OSError(errno.ENOSPC, "No space left on device")
    for error, told in ((full, OutputError), (KeyboardInterrupt(), KeyboardInterrupt)):
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", _raiser(error))
            with pytest.raises(told):
                write_bytes(tmp_path / "song.mid", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def _raiser(error: BaseException) -> Any:
    def write(*_: object) -> int:
        raise error

    return write


def test_bytes_that_go_out_in_pieces_arrive_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may take less at a time than it is given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data[:2])))
    write_bytes(tmp_path / "song.mid", b"seven b")
    write_bytes(tmp_path / "empty", b"")
    assert (tmp_path / "song.mid").read_bytes() == b"seven b"
    assert (tmp_path / "empty").read_bytes() == b""


def test_other_content_and_links_are_not_replaced_unasked(tmp_path: Path) -> None:
    """The same bytes, a new name and a folder pass; the folder is told by what writes."""
    (tmp_path / "song.mid").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "song.mid")
    for free in ("new", ".", "song.mid"):
        check_replace(tmp_path / free, b"mine")
    for data in (b"other", b"more!"):
        with pytest.raises(OutputError, match=r"exists with other content; pass force=True"):
            check_replace(tmp_path / "song.mid", data)
    with pytest.raises(OutputError, match="is a symbolic link; pass force=True to replace it, not"):
        check_replace(tmp_path / "link", b"mine")
