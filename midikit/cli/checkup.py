"""What must be in order before clips are paid for: each check says so, or what to do.

None of them sends a call, shows the token, or leaves anything behind.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

from midikit.cli.words import count
from midikit.errors import MidikitError
from midikit.escape import printable
from midikit.extras import EXTRAS, how_to_get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from urllib.parse import SplitResult

__all__ = ["Check", "check_archive", "check_up"]

State = Literal["ok", "note", "fix"]

_PACKAGES = (
    *("click", "httpcore", "httpx", "mido", "msgspec", "numpy", "platformdirs"),
    *("pretty_midi", "rich"),
)
_CONNECT_SECONDS = 10.0
_LEAST_FREE = 200_000_000
_PORTS = {"https": 443, "http": 80}
_MOST_READ = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found.

    Parameters
    ----------
    name : str
        What was looked at.
    state : {"ok", "note", "fix"}
        All well; well, with something to know; something to do.
    text : str
        What was found, and what to do.
    """

    name: str
    state: State
    text: str


def check_up() -> Iterator[Check]:
    """Look at everything, one thing after another.

    Yields
    ------
    Check
        As soon as it is known.
    """
    yield _check_python()
    yield _check_packages()
    yield from _check_extras()
    yield _check_token()
    yield _check_hosts()
    yield _check_service()
    yield check_archive()
    yield _check_space()


def _check_python() -> Check:
    """Tell what runs."""
    text = f"midikit {version('midikit')}, Python {platform.python_version()}"
    return Check("midikit", "ok", f"{text} on {platform.system()} {platform.machine()}")


def _check_packages() -> Check:
    """Tell which packages are there, without loading them."""
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        text = f"{', '.join(missing)} missing; run: python3 -m pip install --force-reinstall"
        return Check("packages", "fix", f"{text} midikit")
    return Check("packages", "ok", ", ".join(found))


def _check_extras() -> Iterator[Check]:
    """Tell which extras are there; none is needed for fetching or converting."""
    for extra, (package, *_) in EXTRAS.items():
        try:
            state, text = _state_of_extra(extra, f"{package} {version(package)}")
        except PackageNotFoundError:
            state, text = "note", how_to_get(extra)
        yield Check(f"[{extra}]", state, text)


def _state_of_extra(extra: str, there: str) -> tuple[State, str]:
    """Tell whether what an extra needs of the system is there as well."""
    if extra != "audio":
        return "ok", there
    from midikit.convert.audio.soundfont import what_is_missing  # noqa: PLC0415 - loads numpy

    problem = what_is_missing()
    return ("note", f"{there}, but {problem}") if problem else ("ok", f"{there}, and its library")


def _check_token() -> Check:
    """Tell whether there is a token that can be sent; never which."""
    from midikit.fetch.endpoint import checked_base  # noqa: PLC0415 - not for help
    from midikit.fetch.secret import TOKEN_VARIABLE, find_token  # noqa: PLC0415 - as above

    try:
        found = find_token(base_url=checked_base(None)) is not None
    except MidikitError as error:
        return Check("token", "fix", str(error))
    if found:
        return Check("token", "ok", "there is one, and it can be sent; only a call shows its worth")
    text = f"there is none for this service; set {TOKEN_VARIABLE} to the token of your account"
    return Check("token", "fix", f"{text} (what is in the archive needs none)")


def _check_hosts() -> Check:
    """Tell whether downloads may reach hosts that are not public."""
    from midikit.fetch.net.addresses import ALLOW_VARIABLE, allowed_hosts  # noqa: PLC0415 - as above

    try:
        hosts = sorted(f"{host}:{port}" for host, port in allowed_hosts())
    except MidikitError as error:
        return Check("downloads", "fix", str(error))
    if hosts:
        text = f"{ALLOW_VARIABLE} also lets them reach {printable(', '.join(hosts), 120)}"
        return Check("downloads", "note", f"{text}; unset it unless you mean that")
    return Check("downloads", "ok", "they reach public addresses by https, and no others")


def _check_service() -> Check:
    """Connect to the endpoint, and hang up before anything is asked."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - as above

    from midikit.fetch.endpoint import BASE_VARIABLE, checked_base  # noqa: PLC0415 - as above

    try:
        parts = urlsplit(checked_base(None))
    except MidikitError as error:
        return Check("service", "fix", str(error))
    where = printable(parts.netloc, 120)
    try:
        how = _shake_hands(parts)
    except OSError as error:
        reason = getattr(error, "verify_message", "") or error.strerror or str(error)
        text = f"{where} cannot be reached: {printable(reason or type(error).__name__, 200)}"
        return Check("service", "fix", f"{text}; check the network, and {BASE_VARIABLE} if set")
    return Check("service", "ok", f"{where} can be reached{how}; no call was made, nothing paid")


def _shake_hands(parts: SplitResult) -> str:
    """Open a connection, with TLS where calls have it, and close it."""
    from midikit.fetch.net.addresses import resolve  # noqa: PLC0415 - as above

    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    address = resolve(host, port, _CONNECT_SECONDS)[0]
    with socket.create_connection((address, port), timeout=_CONNECT_SECONDS) as connection:
        if parts.scheme == "http":
            return ""
        import httpx  # noqa: PLC0415 - as above

        # The certificates that calls are checked against.
        context = httpx.create_ssl_context()
        with context.wrap_socket(connection, server_hostname=host) as secure:
            return f" by {secure.version()}"


def check_archive() -> Check:
    """Tell whether the archive can be written, and is sound as far as it was read.

    Returns
    -------
    Check
        What was found.
    """
    from midikit.fetch.disk.sqlite import SqliteArchive  # noqa: PLC0415 - as above
    from midikit.fetch.home import HOME_VARIABLE, network_file_system  # noqa: PLC0415 - as above

    with SqliteArchive() as archive:
        where = printable(archive.path, 200)
        folder = _nearest(archive.home)
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"midikit")
        except OSError as error:
            text = f"{printable(folder, 200)} cannot be written: {error.strerror}"
            return Check("archive", "fix", f"{text}; set {HOME_VARIABLE} to a folder that can be")
        networked = network_file_system(folder)
        if networked:
            text = f"{where} is on a network ({networked}), where locks do not hold"
            return Check("archive", "fix", f"{text}; set {HOME_VARIABLE} to a folder on a disk")
        if not archive.path.exists():
            return Check("archive", "ok", f"none yet; the first clip makes it at {where}")
        large = archive.path.stat().st_size
        if large > _MOST_READ:
            text = f"{large / 1e9:,.1f} GB at {where}, not read here: run midikit archive verify"
            return Check("archive", "note", text)
        try:
            found = archive.verify()
        except MidikitError as error:
            return Check("archive", "fix", str(error))
    if found.damage:
        text = f"{count(len(found.damage), 'damage')} at {where}, first {found.damage[0]}"
        return Check("archive", "fix", f"{text}; run midikit archive verify")
    text = f"{count(found.clips, 'clip')} at {where}, every byte read"
    lost = (found.states or {}).get("unknown", 0)
    if lost:
        text += f"; {lost:,} of unknown outcome: midikit archive list --state unknown"
    return Check("archive", "note" if lost else "ok", text)


def _check_space() -> Check:
    """Tell how much room there is for what is paid for."""
    from midikit.fetch.home import HOME_VARIABLE, home_folder  # noqa: PLC0415 - as above

    folder = _nearest(home_folder())
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("space", "fix", f"{printable(folder, 200)}: {error.strerror}")
    text = f"{free / 1e9:,.1f} GB free at {printable(folder, 200)}"
    if free < _LEAST_FREE:
        return Check("space", "fix", f"{text}; make room, or set {HOME_VARIABLE} elsewhere")
    return Check("space", "ok", text)


def _nearest(path: Path) -> Path:
    """Return a folder, or the nearest above it that is there."""
    path = path.absolute()
    return next((each for each in (path, *path.parents) if os.path.lexists(each)), path)
