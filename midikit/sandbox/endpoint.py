"""What the embedded endpoint answers and what it would have charged, without any network."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from midikit.sandbox.hosted import hosted_midi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from midikit.sandbox.songs import DemoSong

__all__ = ["BASE", "FILES", "TOKEN", "Sandbox", "encoded", "message"]

TOKEN = "sandbox-token-opens-nothing-else"  # noqa: S105 - it opens this sandbox and nothing else
"""Bearer token of every sandbox."""

BASE = "/api/v1/suno"
"""Path of the base URL."""

FILES = "/files/"
"""Path of the hosted files."""


class Sandbox:
    """A running sandbox: where it is, how to use it, and what it was asked.

    Made by `serve`.

    Parameters
    ----------
    authority : str
        ``host:port`` it listens on.
    songs : tuple of DemoSong
        What it answers.
    polls : int
        Calls of each clip that are answered with ``running`` before the notes come.

    Examples
    --------
    >>> from midikit.sandbox import serve
    >>> with serve() as sandbox:
    ...     sandbox.url.endswith("/api/v1/suno"), len(sandbox.clips), sandbox.charged
    (True, 6, 0)
    """

    def __init__(self, authority: str, songs: tuple[DemoSong, ...], polls: int) -> None:
        self._origin = f"http://{authority}"
        self._authority = authority
        self._songs = {song.id: song for song in songs}
        self._polls = polls
        self._lock = threading.Lock()
        self._posts: Counter[str] = Counter()
        self._downloads: Counter[str] = Counter()
        self._answers: dict[str, bytes] = {}
        self._files: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        """Base URL, to which ``/midi`` is added."""
        return self._origin + BASE

    @property
    def token(self) -> str:
        """Bearer token it accepts."""
        return TOKEN

    @property
    def clips(self) -> tuple[str, ...]:
        """Ids of its clips."""
        return tuple(self._songs)

    @property
    def songs(self) -> tuple[DemoSong, ...]:
        """What is true about its clips, in the order of `clips`."""
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
        with self._lock:
            return dict(self._posts)

    @property
    def downloads(self) -> dict[str, int]:
        """Downloads of the hosted file of each clip so far."""
        with self._lock:
            return dict(self._downloads)

    @property
    def charged(self) -> int:
        """Credits charged so far: one for the first accepted call of a clip, polls are free."""
        with self._lock:
            return len(self._posts)

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

    def answer(self, clip_id: str) -> bytes | None:
        """Count an authorized call and give the body that answers it.

        Parameters
        ----------
        clip_id : str
            The clip that was asked for.

        Returns
        -------
        bytes or None
            ``running``, or the notes as JSON; None, and nothing counted, for an unknown clip.
        """
        song = self._songs.get(clip_id)
        if song is None:
            return None
        with self._lock:
            self._posts[clip_id] += 1
            if self._posts[clip_id] <= self._polls:
                return encoded(message(200, "success") | {"data": {"state": "running"}})
            if clip_id not in self._answers:
                self._answers[clip_id] = encoded(song.answer(self.midi_url(clip_id)))
            return self._answers[clip_id]

    def hosted(self, clip_id: str, *, count: bool = False) -> bytes | None:
        """Give the hosted file of a clip.

        Parameters
        ----------
        clip_id : str
            The clip.
        count : bool, optional
            Count it as a download.

        Returns
        -------
        bytes or None
            The file, None for an unknown clip.
        """
        song = self._songs.get(clip_id)
        if song is None:
            return None
        with self._lock:
            self._downloads[clip_id] += count
            if clip_id not in self._files:
                self._files[clip_id] = hosted_midi(song)
            return self._files[clip_id]


def message(code: int, text: str) -> dict[str, Any]:
    """Make a body as the endpoint words it.

    Parameters
    ----------
    code : int
        Code, as in the HTTP status.
    text : str
        Message.

    Returns
    -------
    dict
        Both.
    """
    return {"code": code, "message": text}


def encoded(body: Mapping[str, Any]) -> bytes:
    """Write a body.

    Parameters
    ----------
    body : mapping
        Anything fit for JSON.

    Returns
    -------
    bytes
        JSON in UTF-8.
    """
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
