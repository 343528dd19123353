"""Editors that open .mid files: how to start each, and what its own project files say.

Every program gets a screen and a home of its own, and only those that were started here are ended.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["EDITORS", "Editor", "Part", "Screen", "Seen"]

ON_SCREEN = ("Xvfb", "openbox", "xdotool", "import")
SOUNDFONT = "/usr/share/sounds/sf2/default-GM.sf2"
SECONDS = 40.0
LMMS_SETTINGS = """<?xml version="1.0"?>
<!DOCTYPE lmms-config-file>
<lmms version="1.2.2" configversion="2">
<app configured="1" nommpz="1" disablebackup="1" openlastproject="0"/>
<ui enableautosave="0"/>
<mixer audiodev="Dummy (no sound output)" mididev="Dummy (no MIDI support)"/>
<audioengine audiodev="Dummy (no sound output)" mididev="Dummy (no MIDI support)"/>
<paths workingdir="{home}/lmms/" defaultsf2="{soundfont}"/>
</lmms>
"""


@dataclass(frozen=True)
class Part:
    """One instrument as an editor sees it; None where it does not say."""

    name: str
    program: int | None
    is_drum: bool
    notes: int | None = None

    def __str__(self) -> str:
        """Name and notes."""
        return f"{self.name} ({self.notes})"


@dataclass(frozen=True)
class Seen:
    """What a file is to an editor: quarters a minute, meters, bars, instruments."""

    tempi: list[float]
    meters: list[tuple[int, int]]
    bars: int | None
    parts: list[Part]
    is_rounded: bool = False
    """Whether the editor rounds tempi to whole numbers."""

    def __str__(self) -> str:
        """Say how much there is of each."""
        tempi = " ".join(f"{qpm:.2f}" for qpm in self.tempi[:3])
        more = f" … ({len(self.tempi)})" if len(self.tempi) > 3 else ""
        meters = " ".join(f"{above}/{below}" for above, below in self.meters)
        notes = sum(part.notes or 0 for part in self.parts)
        return (
            f"{tempi}{more} BPM, {meters}, {self.bars} bars, {len(self.parts)} instruments, "
            f"{notes} notes"
        )


@dataclass
class Screen:
    """An X server, started when it is first needed, and a home that nobody lives in."""

    home: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    display: str = ""

    def __enter__(self) -> Self:
        """Make the home."""
        (self.home / "lmms").mkdir(parents=True, exist_ok=True)
        (self.home / "run").mkdir(mode=0o700, exist_ok=True)
        settings = LMMS_SETTINGS.format(home=self.home, soundfont=SOUNDFONT)
        (self.home / ".lmmsrc.xml").write_text(settings)
        return self

    def __exit__(self, *_: object) -> None:
        """End what was started here."""
        for process in reversed(self.running):
            _end(process)

    @property
    def environment(self) -> dict[str, str]:
        """Variables for programs that run here."""
        own = {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home / "run")}
        own |= {"XDG_CONFIG_HOME": str(self.home / ".config"), "LC_ALL": "C.UTF-8"}
        return os.environ | own | {"DISPLAY": self.display, "JACK_NO_START_SERVER": "1"}

    def start(self) -> None:
        """Start the X server on a free display, and a window manager."""
        if self.running:
            return
        read, write = os.pipe()
        words = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24"]
        server = subprocess.Popen(
            [*words, "-nolisten", "tcp"],
            pass_fds=[write],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.running.append(server)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.display = f":{pipe.readline().strip()}"
        self.running.append(self.spawn("openbox"))
        time.sleep(2.0)

    def spawn(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a program on the screen."""
        return subprocess.Popen(
            words,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def xdo(self, *words: str) -> str:
        """Move windows, press keys; return what was found."""
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, check=False, timeout=20
        )
        return done.stdout.decode()

    def window(self, title: str, meets: tuple[tuple[str, str], ...] = ()) -> str:
        """Wait for a window and return its number; answer the dialogs that come before it."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            for asks, answer in meets:
                self._answer(asks, answer)
            if found := self.xdo("search", "--onlyvisible", "--name", title).split():
                return found[-1]
            time.sleep(0.3)
        self.picture(self.home / "stuck.png")
        raise LookupError(f"no window {title!r} within {SECONDS:g} s")

    def _answer(self, title: str, answer: str) -> None:
        """Type an answer into a dialog, if it is there."""
        for window in self.xdo("search", "--onlyvisible", "--name", title).split():
            self.xdo("windowactivate", "--sync", window)
            time.sleep(0.5)
            if answer:
                self.xdo("type", answer)
                time.sleep(0.5)
            self.xdo("key", "Return")
            time.sleep(0.5)

    @contextmanager
    def opened(
        self, title: str, *words: str, meets: tuple[tuple[str, str], ...] = ()
    ) -> Iterator[str]:
        """Run a program, its window as large as the screen, and end it."""
        process = self.spawn(*words)
        try:
            self.window(title, meets)
            time.sleep(2.0)
            window = self.window(title, meets)
            self.xdo("windowactivate", "--sync", window)
            self.xdo("windowsize", window, "1600", "975")
            self.xdo("windowmove", window, "0", "0")
            time.sleep(1.0)
            yield window
        finally:
            _end(process)

    def picture(self, path: Path) -> None:
        """Take a picture of the screen."""
        words = ["import", "-window", "root", "-colors", "64", "-depth", "8", f"png8:{path}"]
        subprocess.run(words, env=self.environment, check=True, timeout=30)

    def save_as(self, window: str, path: Path) -> bytes:
        """Press Ctrl+S, type a name, and return what the program wrote there."""
        path.unlink(missing_ok=True)
        for _ in range(5):
            self.xdo("windowactivate", window, "windowfocus", window)
            time.sleep(0.7)
            self.xdo("key", "ctrl+s")
            time.sleep(1.0)
            if self.xdo("search", "--onlyvisible", "--name", "[Ss]ave"):
                break
        self.window("[Ss]ave")
        self.xdo("key", "ctrl+a")
        self.xdo("type", str(path))
        self.xdo("key", "Return")
        until, size = time.monotonic() + SECONDS, -1
        while time.monotonic() < until:
            time.sleep(0.5)
            if path.exists():
                if path.stat().st_size == size > 0:
                    return path.read_bytes()
                size = path.stat().st_size
        self.picture(self.home / "stuck.png")
        raise LookupError(f"{path.name} was not saved within {SECONDS:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End one of our own processes."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


class Editor(Protocol):
    """A program that opens .mid files."""

    name: str

    def missing(self) -> list[str]:
        """List what it needs and is not installed."""

    def look(self, path: Path, picture: Path, screen: Screen) -> Seen:
        """Open a file, take its picture and say what the program found in it."""


def _not_there(*programs: str) -> list[str]:
    return [program for program in programs if shutil.which(program) is None]


class MuseScore:
    """Notation; converts to its own format without a screen."""

    name = "MuseScore"

    def missing(self) -> list[str]:
        return [] if self._program() else ["musescore3"]

    @staticmethod
    def _program() -> str:
        names = ("musescore3", "mscore3", "musescore", "mscore", "mscore4portable")
        return next((name for name in names if shutil.which(name)), "")

    def look(self, path: Path, picture: Path, screen: Screen) -> Seen:
        environment = screen.environment | {"QT_QPA_PLATFORM": "offscreen"}
        with tempfile.TemporaryDirectory() as folder:
            for out in (f"{folder}/score.mscx", f"{folder}/page.png"):
                words = [self._program(), "-r", "55", "-o", out, str(path)]
                subprocess.run(words, env=environment, check=True, capture_output=True, timeout=240)
            shutil.copyfile(min(os.scandir(folder), key=_is_no_page).path, picture)
            root = ET.parse(f"{folder}/score.mscx").getroot()
        score = root.find("Score")
        assert score is not None
        first = score.find("Staff")
        assert first is not None
        meters = [(_number(sig, "sigN"), _number(sig, "sigD")) for sig in first.iter("TimeSig")]
        tempi = [60.0 * float(tempo.findtext("tempo") or 0) for tempo in score.iter("Tempo")]
        parts = [_musescore_part(part) for part in score.findall("Part")]
        return Seen(tempi, meters, len(first.findall("Measure")), parts, is_rounded=True)


def _is_no_page(entry: os.DirEntry[str]) -> tuple[bool, str]:
    return not entry.name.endswith(".png"), entry.name


def _number(element: ET.Element, name: str) -> int:
    return int(element.findtext(name) or 0)


def _musescore_part(part: ET.Element) -> Part:
    instrument = part.find("Instrument")
    assert instrument is not None
    program = instrument.find("Channel/program")
    return Part(
        part.findtext("trackName") or "",
        None if program is None else int(program.get("value", "0")),
        is_drum=instrument.findtext("useDrumset") == "1",
    )


class Rosegarden:
    """Sequencer and notation; 960 ticks a quarter in its files."""

    name = "Rosegarden"
    DIALOGS = (("^Welcome", ""), ("^Rosegarden$", "UTF-8"))
    """What may come first: a greeting, and the question of what encoding names are in."""

    def missing(self) -> list[str]:
        return _not_there("rosegarden", *ON_SCREEN)

    def look(self, path: Path, picture: Path, screen: Screen) -> Seen:
        screen.start()
        words = ("rosegarden", "--nosplash", "--nosound", str(path))
        with screen.opened(r"\.mid.* - Rosegarden", *words, meets=self.DIALOGS) as window:
            screen.xdo("search", "--name", "Rosegarden Transport", "windowunmap")
            screen.xdo("windowactivate", "--sync", window)
            time.sleep(1.0)
            screen.picture(picture)
            data = screen.save_as(window, screen.home / f"{path.stem}.rg")
        composition = ET.fromstring(gzip.decompress(data)).find("composition")
        assert composition is not None
        notes = {track.get("id", ""): 0 for track in composition.findall("track")}
        root = ET.fromstring(gzip.decompress(data))
        for segment in root.iter("segment"):
            held = sum(event.get("type") == "note" for event in segment.iter("event"))
            notes[segment.get("track", "")] += held
        channels = {instrument.get("id"): instrument for instrument in root.iter("instrument")}
        parts = []
        for track in composition.findall("track"):
            instrument = channels.get(track.get("instrument"))
            program = None if instrument is None else instrument.find("program")
            is_drum = int(track.get("instrument", "0")) % 16 == 2009 % 16
            number = None if program is None or is_drum else int(program.get("id", "0"))
            name = track.get("label", "")
            parts.append(Part(name, number, is_drum=is_drum, notes=notes[track.get("id", "")]))
        meters = [
            (int(sig.get("numerator", "0")), int(sig.get("denominator", "0")))
            for sig in composition.findall("timesignature")
        ]
        tempi = [int(tempo.get("tempo", "0")) / 1e5 for tempo in composition.findall("tempo")]
        return Seen(tempi, meters, None, parts)


class Lmms:
    """Sequencer with instruments; 48 ticks a quarter in its files, the tempi as an automation."""

    name = "LMMS"

    def missing(self) -> list[str]:
        return _not_there("lmms", *ON_SCREEN)

    def look(self, path: Path, picture: Path, screen: Screen) -> Seen:
        screen.start()
        with screen.opened("LMMS [0-9]", "lmms", "--allowroot", "--import", str(path)) as window:
            time.sleep(3.0)
            screen.picture(picture)
            data = screen.save_as(window, screen.home / f"{path.stem}.mmp")
        root = ET.fromstring(data)
        meter = [self._automated(root, name) for name in ("Numerator", "Denominator")]
        tempi = self._automated(root, "Tempo")
        parts = []
        for track in root.findall("song/trackcontainer/track[@type='0']"):
            player = track.find("instrumenttrack/instrument/sf2player")
            is_drum = player is not None and player.get("bank") == "128"
            program = None if player is None else int(player.get("patch", "0"))
            notes = sum(1 for _ in track.iter("note"))
            parts.append(Part(track.get("name", ""), program, is_drum=is_drum, notes=notes))
        meters = [(int(above), int(below)) for above, below in zip(*meter, strict=True)]
        return Seen(tempi, meters, None, parts)

    @staticmethod
    def _automated(root: ET.Element, name: str) -> list[float]:
        """Return the values of an automation."""
        patterns = [one for one in root.iter("automationpattern") if one.get("name") == name]
        return [float(event.get("value", "0")) for one in patterns for event in one.findall("time")]


EDITORS: tuple[Editor, ...] = (MuseScore(), Rosegarden(), Lmms())
