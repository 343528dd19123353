"""``midikit doctor``: what it finds, what it says to do, and that it pays and shows nothing."""

from __future__ import annotations

import json
import re
import shutil
import socket
from importlib.metadata import PackageNotFoundError, metadata, requires
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from midikit.cli import checkup
from midikit.sandbox import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from midikit.sandbox import Sandbox

TOKEN = "doctor-must-not-show-7f3c9a1e"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Point midikit at a sandbox."""
    with serve(clips=1, polls=0, token=TOKEN) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        yield sandbox


def checks(cli: Any) -> dict[str, tuple[str, str]]:
    """Run it, and give state and text by name; the exit code must fit."""
    done = cli("doctor", "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == max(row["exit"] for row in rows)
    assert all(row["exit"] == (row["state"] == "fix") for row in rows)
    assert done.err == ""
    return {row["check"]: (row["state"], row["text"]) for row in rows}


def test_all_is_well(cli: Any, endpoint: Sandbox, tmp_path: Path) -> None:
    """Nothing to fix: exit 0, no call, nothing written, the token nowhere."""
    done = cli("doctor")
    assert done.code == 0
    assert "fix " not in done.out
    assert done.err == "nothing to fix\n"
    assert TOKEN not in done.text
    assert TOKEN[-8:] not in done.text
    assert max(map(len, done.out.splitlines())) <= 80
    assert "can be reached; no call was made, nothing paid" in " ".join(done.out.split())
    assert endpoint.ledger.totals()["posts"] == 0
    assert not endpoint.ledger.hosted
    assert list(tmp_path.iterdir()) == []
    assert cli("doctor", "-q").text == ""


def test_names_and_versions(cli: Any, endpoint: Sandbox) -> None:
    """Each check once, in an order; a host beyond the public ones is worth a note."""
    found = checks(cli)
    extras = ["[plot]", "[audio]", "[ports]"]
    order = ["midikit", "packages", *extras, "token", "downloads", "service", "archive", "space"]
    assert list(found) == order
    declared = metadata("midikit").get_all("Provides-Extra") or ()
    assert sorted(extras) == sorted(f"[{extra}]" for extra in declared)
    assert found["downloads"][0] == "note"
    assert "numpy 2" in found["packages"][1] or "numpy 1" in found["packages"][1]


def test_every_package_that_is_needed_is_looked_for() -> None:
    """As the project declares them."""
    needed = [word for word in requires("midikit") or () if "extra ==" not in word]
    names = [re.split(r"[^\w-]", word, maxsplit=1)[0].replace("-", "_") for word in needed]
    assert sorted(names) == list(checkup._PACKAGES)


def test_a_path_with_hyphens_is_not_broken(
    cli: Any, endpoint: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it can be copied."""
    path = "/srv/a-folder-of-my-own/with-a-long-name/archive.sqlite3"
    found = checkup.Check("archive", "ok", f"none yet; the first clip makes it at {path}")
    monkeypatch.setattr(checkup, "check_archive", lambda: found)
    assert path in cli("doctor").out.split()


def test_a_token_that_is_missing_or_cannot_be_sent(
    cli: Any, endpoint: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both say which variable to set; neither quotes anything."""
    monkeypatch.delenv("MIDIKIT_TOKEN")
    state, text = checks(cli)["token"]
    assert (state, "set MIDIKIT_TOKEN to the token" in text) == ("fix", True)
    monkeypatch.setenv("MIDIKIT_TOKEN", f"{TOKEN} {TOKEN}")
    state, text = checks(cli)["token"]
    assert (state, "the token cannot be sent" in text) == ("fix", True)
    assert TOKEN not in text


def test_a_service_that_cannot_be_reached(
    cli: Any, endpoint: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, no TLS, an address that is none, an allowed host that is none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv("MIDIKIT_BASE_URL", f"http://127.0.0.1:{port}")
        state, text = checks(cli)["service"]
    assert (state, f"127.0.0.1:{port} cannot be reached: " in text) == ("fix", True)
    assert text.endswith("check the network, and MIDIKIT_BASE_URL if set")
    monkeypatch.setenv("MIDIKIT_BASE_URL", endpoint.url.replace("http", "https", 1))
    state, text = checks(cli)["service"]
    assert (state, "cannot be reached: " in text) == ("fix", True)
    monkeypatch.setenv("MIDIKIT_BASE_URL", "http://user:secret@example.com")
    monkeypatch.setenv("MIDIKIT_ALLOW_HOSTS", "nonsense")
    found = checks(cli)
    assert found["service"][0] == found["downloads"][0] == "fix"
    assert "secret" not in found["service"][1]


def test_an_archive_that_cannot_be_written(
    cli: Any, endpoint: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It says which variable to set."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "file" / "home"))
    state, text = checks(cli)["archive"]
    assert state == "fix"
    assert "set MIDIKIT_HOME to a folder" in text


def test_an_archive_that_is_there_is_read(cli: Any, endpoint: Sandbox, tmp_path: Path) -> None:
    """Sound, then with a damaged answer, which is told and not mended."""
    assert cli("fetch", "made-1").code == 0
    before = sorted(path.name for path in (tmp_path / "home").rglob("*"))
    state, text = checks(cli)["archive"]
    assert state == "ok"
    assert text.startswith("1 clip at ")
    assert sorted(path.name for path in (tmp_path / "home").rglob("*")) == before
    damage(tmp_path / "home")
    state, text = checks(cli)["archive"]
    assert state == "fix"
    assert "damaged" in text
    assert endpoint.ledger.totals()["posts"] == 1


def test_an_archive_with_something_to_know(
    cli: Any, endpoint: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clip of unknown outcome, one too large to read here, one on another machine."""
    with serve(any_clip=True, polls=0, token=TOKEN) as other:
        monkeypatch.setenv("MIDIKIT_BASE_URL", other.url)
        assert cli("fetch", "close-charged.x").code == 3
    monkeypatch.setenv("MIDIKIT_BASE_URL", endpoint.url)
    state, text = checks(cli)["archive"]
    assert state == "note"
    assert text.endswith("1 of unknown outcome: midikit archive list --state unknown")
    with monkeypatch.context() as patched:
        patched.setattr(checkup, "_MOST_READ", 10)
        state, text = checks(cli)["archive"]
        assert state == "note"
        assert text.endswith("not read here: run midikit archive verify")
    monkeypatch.setattr("midikit.fetch.home.network_file_system", lambda _: "nfs4")
    state, text = checks(cli)["archive"]
    assert state == "fix"
    assert "is on a network (nfs4), where locks do not hold; set MIDIKIT_HOME" in text


def damage(home: Path) -> None:
    """Change a note of the stored answer, wherever it is kept."""
    changed = 0
    for path in home.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        if b'"velocity":0.7' in data:
            path.write_bytes(data.replace(b'"velocity":0.7', b'"velocity":0.6'))
            changed += 1
    assert changed


def test_a_disk_that_is_full(cli: Any, endpoint: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than an archive needs is something to fix."""

    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(5_000_000))
    state, text = checks(cli)["space"]
    assert (state, text[:12]) == ("fix", "0.0 GB free ")
    assert "make room, or set MIDIKIT_HOME elsewhere" in text


def test_packages_that_are_missing(
    cli: Any, endpoint: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An extra is worth a note, what midikit itself needs must be fixed; both say how."""

    def version(name: str) -> str:
        if name in {"matplotlib", "python-rtmidi", "rich"}:
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(checkup, "version", version)
    found = checks(cli)
    for extra in ("plot", "ports"):
        state, text = found[f"[{extra}]"]
        assert (state, text.endswith(f"python3 -m pip install 'midikit[{extra}]'")) == (
            "note",
            True,
        )
    monkeypatch.setattr("midikit.convert.audio.soundfont.what_is_missing", lambda: "half is gone")
    assert checks(cli)["[audio]"] == ("note", "pyfluidsynth 1.0, but half is gone")
    state, text = found["packages"]
    assert (state, text[:13]) == ("fix", "rich missing;")
