"""What the embedded endpoint answers and what it would have charged, without any network."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from midikit.errors import InputError
from midikit.escape import quoted
from midikit.sandbox.faults import Call
from midikit.sandbox.hosted import hosted_midi
from midikit.sandbox.hostile import fill
from midikit.sandbox.ledger import Ledger
from midikit.sandbox.made import made_answer, made_id, made_midi, made_number
from midikit.sandbox.replies import Reply, encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from midikit.sandbox.rehearsal import Rehearsal
    from midikit.sandbox.songs import DemoSong

__all__ = ["BASE", "FILES", "LEDGER", "TOKEN", "Sandbox"]

TOKEN = "sandbox-token-opens-nothing-else"  # noqa: S105 - it opens this sandbox and nothing else
"""Bearer token of every sandbox that is not given another."""

BASE = "/api/v1/suno"
"""Path of the base URL."""

FILES = "/files/"
"""Path of the hosted files."""

LEDGER = "/ledger"
"""Path of the ledger."""

_CLIP_ID = re.compile(r"[A-Za-z0-9_.-]{1,200}")


class Sandbox:
    """A running sandbox: where it is, how to use it, and what it was asked.

    Made by `serve`.

    Parameters
    ----------
    authority : str
        ``host:port`` it listens on.
    songs : tuple of DemoSong
        What it answers.
    rehearsal : Rehearsal
        What goes wrong.
    clips : int, optional
        How many made-up clips it answers as well.
    any_clip : bool, optional
        Whether it answers any clip id.
    ledger : Ledger or None, optional
        Where calls are counted.
    token : str, optional
        Bearer token it accepts.
    seed : int, optional
        Seed of what is left to chance.
    canary_port : int, optional
        Port of the canary.

    Raises
    ------
    InputError
        If a fault is meant for a clip that is not there.

    Examples
    --------
    >>> from midikit.sandbox import serve
    >>> with serve() as sandbox:
    ...     sandbox.url.endswith("/api/v1/suno"), len(sandbox.clips), sandbox.charged
    (True, 6, 0)
    """

    def __init__(
        self,
        authority: str,
        songs: tuple[DemoSong, ...],
        rehearsal: Rehearsal,
        *,
        clips: int = 0,
        any_clip: bool = False,
        ledger: Ledger | None = None,
        token: str = TOKEN,
        seed: int = 0,
        canary_port: int = 0,
    ) -> None:
        self._origin = f"http://{authority}"
        self._authority = authority
        self._songs = {song.id: song for song in songs}
        self._rehearsal = rehearsal
        self._made = clips
        self._any_clip = any_clip
        self._token = token
        self._seed = seed
        self._canary_port = canary_port
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], bytes] = {}
        self._files: dict[str, bytes] = {}
        self.ledger = Ledger() if ledger is None else ledger
        """What it would have charged, and what its hosts saw."""
        self.closing = threading.Event()
        """Set when the sandbox ends, for those that wait."""
        for clip_id in sorted(rehearsal.clips):
            if not self.knows(clip_id):
                problem = f"there is no clip {quoted(clip_id)}; expected one of the sandbox's"
                raise InputError("", "fault", problem)

    @property
    def url(self) -> str:
        """Base URL, to which ``/midi`` is added."""
        return self._origin + BASE

    @property
    def ledger_url(self) -> str:
        """Address of the ledger as JSON; with ``/clips`` after it that of the clips."""
        return self._origin + LEDGER

    @property
    def token(self) -> str:
        """Bearer token it accepts."""
        return self._token

    @property
    def clips(self) -> tuple[str, ...]:
        """Ids of its clips, the made-up ones last."""
        return (*self._songs, *map(made_id, range(1, self._made + 1)))

    @property
    def songs(self) -> tuple[DemoSong, ...]:
        """What is true about its first clips, in the order of `clips`."""
        return tuple(self._songs.values())

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that point midikit at it."""
        return {
            "MIDIKIT_TOKEN": self.token,
            "MIDIKIT_BASE_URL": self.url,
            "MIDIKIT_ALLOW_HOSTS": self._authority,
        }

    @property
    def posts(self) -> dict[str, int]:
        """Accepted calls of each clip so far, refused ones left out."""
        accounts = self.ledger.accounts.items()
        return {clip_id: account.posts for clip_id, account in accounts if account.posts}

    @property
    def downloads(self) -> dict[str, int]:
        """Downloads of the hosted file of each clip so far."""
        accounts = self.ledger.accounts.items()
        return {clip_id: account.downloads for clip_id, account in accounts if account.downloads}

    @property
    def charged(self) -> int:
        """Credits charged and not refunded so far."""
        return self.ledger.totals()["net"]

    def knows(self, clip_id: str) -> bool:
        """Tell whether there is a clip.

        Parameters
        ----------
        clip_id : str
            Its id.

        Returns
        -------
        bool
            Whether it is answered.
        """
        if clip_id in self._songs:
            return True
        if self._any_clip:
            return bool(_CLIP_ID.fullmatch(clip_id))
        number = made_number(clip_id)
        return number is not None and number <= self._made

    def midi_url(self, clip_id: str) -> str:
        """Tell the address of a clip's hosted file.

        Parameters
        ----------
        clip_id : str
            One of `clips`.

        Returns
        -------
        str
            Its address on this server.
        """
        return f"{self._origin}{FILES}{clip_id}.mid"

    def call(self, clip_id: str) -> Reply | None:
        """Count an authorized call, charge for it, and give the reply.

        Parameters
        ----------
        clip_id : str
            The clip that was asked for.

        Returns
        -------
        Reply or None
            What is to be sent; None, and nothing counted, for an unknown clip. Otherwise the
            ledger must be told when it is over.
        """
        if not self.knows(clip_id):
            return None
        number = self.ledger.begin(clip_id)
        fault = self._rehearsal.fault(clip_id, "call", number)
        if fault is None:
            self.ledger.settle(clip_id, "credit")
            return Reply(200, self._answer(clip_id, number), delivers=True)
        self._wait(fault.before)
        reply, charge = fault.make(
            self._call(clip_id, number, lambda: self._answer(clip_id, number))
        )
        self.ledger.settle(clip_id, charge)
        self._wait(fault.after)
        return reply

    def file(self, clip_id: str, *, count: bool) -> Reply | None:
        """Give the reply to a download.

        Parameters
        ----------
        clip_id : str
            The clip.
        count : bool
            Count it, and let it fail if it must.

        Returns
        -------
        Reply or None
            What is to be sent, None for an unknown clip.
        """
        if not self.knows(clip_id):
            return None
        if count:
            number = self.ledger.download(clip_id)
            fault = self._rehearsal.fault(clip_id, "file", number)
            if fault is not None:
                return fault.make(self._call(clip_id, number, lambda: self.hosted(clip_id)))[0]
        return Reply(200, self.hosted(clip_id), kind="audio/midi")

    def answer(self, clip_id: str, midi_url: str | None = None) -> bytes:
        """Give the body that answers a call when all goes well, counting nothing.

        Parameters
        ----------
        clip_id : str
            One of the clips.
        midi_url : str or None, optional
            Another address of the hosted file.

        Returns
        -------
        bytes
            The notes as JSON.
        """
        url = self.midi_url(clip_id) if midi_url is None else midi_url
        song = self._songs.get(clip_id)
        if song is None:
            return made_answer(clip_id, url)
        with self._lock:
            if (clip_id, url) not in self._answers:
                self._answers[clip_id, url] = encoded(song.answer(url))
            return self._answers[clip_id, url]

    def hosted(self, clip_id: str) -> bytes:
        """Give the hosted file when all goes well, counting nothing.

        Parameters
        ----------
        clip_id : str
            One of the clips.

        Returns
        -------
        bytes
            The file.
        """
        song = self._songs.get(clip_id)
        if song is None:
            return made_midi(clip_id)
        with self._lock:
            if clip_id not in self._files:
                self._files[clip_id] = hosted_midi(song)
            return self._files[clip_id]

    def _answer(self, clip_id: str, number: int) -> bytes:
        """Give the body that answers a call, with a hostile address if it must have one."""
        fault = self._rehearsal.fault(clip_id, "address", number)
        if fault is None:
            return self.answer(clip_id)
        reply, _ = fault.make(self._call(clip_id, number, lambda: self.answer(clip_id)))
        return self.answer(clip_id, reply.body.decode())

    def _call(self, clip_id: str, number: int, good: Callable[[], bytes]) -> Call:
        """Tell a fault what it may know."""
        return Call(clip_id, number, good, self._hostile, self._seed, self._token)

    def _hostile(self, name: str) -> str:
        """Write a hostile address."""
        return fill(name, port=self._canary_port, allowed=self._authority)

    def _wait(self, seconds: float) -> None:
        """Wait, but not beyond the end of the sandbox."""
        if seconds:
            self.closing.wait(seconds)
