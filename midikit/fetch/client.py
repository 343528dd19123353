"""The paid endpoint as one call: archive first, then ask, wait, store, download.

This is the shell around `answers` and `attempts`, which decide; here are the clock, the socket and
the disk. What it must never do is send a paid call again that may have been charged.
"""

from __future__ import annotations

import functools
import json
import os
import random
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from midikit.errors import (
    DeadlineError,
    DownloadError,
    InputError,
    OutputError,
    RemoteError,
    TokenError,
    UnknownOutcomeError,
)
from midikit.escape import printable, quoted
from midikit.fetch.addresses import ALLOW_VARIABLE, allowed_hosts, is_host, is_loopback
from midikit.fetch.answers import Failure, Outcome, Reply, Verdict, classify
from midikit.fetch.archive import Archive, spill
from midikit.fetch.attempts import Tally, advance
from midikit.fetch.download import download
from midikit.fetch.polling import Deadline
from midikit.fetch.secret import TOKEN_VARIABLE, Secret, find_token

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from midikit.fetch.store import Store, Stored
    from midikit.model.song import Song

__all__ = ["BASE_VARIABLE", "DEFAULT_BASE_URL", "Client", "Clip"]

BASE_VARIABLE = "MIDIKIT_BASE_URL"
"""Environment variable that replaces the base of the endpoint."""

DEFAULT_BASE_URL = "https://api.aimusicapi.ai/api/v1/suno"
"""Base of the endpoint; the call is ``POST BASE/midi``."""

_MAX_CLIP_ID = 200
_CLIP_ID = re.compile(rf"[\x21-\x7e]{{1,{_MAX_CLIP_ID}}}")
_DOWNLOAD_SECONDS = 60.0
_NO_ADDRESS = "the answer names no web address of a hosted file"


@dataclass(frozen=True)
class Clip:
    """A clip that was paid for.

    Parameters
    ----------
    clip_id : str
        Its id.
    raw : bytes
        The answer, byte for byte.
    hosted : bytes or None
        The hosted .mid, None if there is none.
    hosted_problem : str or None
        Why there is no hosted .mid, or what happened to it; None if all is well.
    from_archive : bool
        Whether it was there already, and nothing was sent for it.
    """

    clip_id: str
    raw: bytes = field(repr=False)
    hosted: bytes | None = field(default=None, repr=False)
    hosted_problem: str | None = None
    from_archive: bool = False

    @functools.cached_property
    def song(self) -> Song:
        """The song, read when it is first asked for.

        Raises
        ------
        AnswerError
            If the answer cannot be read.
        """
        from midikit.parse.response import read_json  # noqa: PLC0415 - only if notes are wanted

        return read_json(self.raw)


class Client:
    """The paid endpoint.

    Parameters
    ----------
    token : str, Secret or None, optional
        Bearer token, by default that of ``MIDIKIT_TOKEN``. What is in the archive needs none.
    base_url : str or None, optional
        Base of the endpoint, by default ``MIDIKIT_BASE_URL`` or `DEFAULT_BASE_URL`. https, or
        plain http for this machine alone.
    archive : Store or None, optional
        Where what was paid for is kept, by default `Archive`, a folder under ``MIDIKIT_HOME``.
    transport : httpx.BaseTransport or None, optional
        What sends requests; by default one that ends at the deadline whatever a server does, and
        uses no proxy.
    clock, sleep : callable or None, optional
        In the place of `time.monotonic` and `time.sleep`.

    Raises
    ------
    TokenError
        If there is a token that cannot be sent.
    RemoteError
        If the base URL or ``MIDIKIT_ALLOW_HOSTS`` cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from midikit.sandbox import serve
    >>> with serve(polls=0) as sandbox, tempfile.TemporaryDirectory() as folder:
    ...     client = Client(sandbox.token, base_url=sandbox.url, archive=Archive(folder))
    ...     with client:
    ...         clip = client.fetch(sandbox.clips[0])
    ...         again = client.fetch(sandbox.clips[0])
    >>> again.from_archive, again.raw == clip.raw, clip.song.note_array().size > 0
    (True, True, True)
    """

    def __init__(
        self,
        token: str | Secret | None = None,
        *,
        base_url: str | None = None,
        archive: Store | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._token = find_token(token)
        self._url = f"{_checked_base(base_url)}/midi"
        self._allow_hosts = os.environ.get(ALLOW_VARIABLE, "").split(",")
        allowed_hosts(self._allow_hosts)
        self._archive: Store = Archive() if archive is None else archive
        self._transport = transport
        self._clock = clock or time.monotonic
        self._sleep = sleep or time.sleep
        self.unsaved: dict[str, bytes] = {}
        """Paid answers that could not be stored, by clip id."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport that was given; without one there is nothing to close."""
        if self._transport is not None:
            self._transport.close()

    def fetch(self, clip_id: str, *, deadline: float = 300.0) -> Clip:
        """Get a clip: from the archive, else from the endpoint, which costs a credit.

        Parameters
        ----------
        clip_id : str
            Id of a complete song, or of one instrumental track after stems.
        deadline : float, optional
            Seconds in all: calls, pauses and the download of the hosted .mid.

        Returns
        -------
        Clip
            With the answer, stored before this returns, and the hosted .mid where it could be
            had.

        Raises
        ------
        InputError
            If `clip_id` or `deadline` cannot be used, or the stored answer is damaged.
        TokenError
            If a call is needed and there is no token.
        OutputError
            If the archive cannot be written, before anything is paid; or if a paid answer could
            not be stored, which then is in `unsaved` and where the message says.
        AuthenticationError, CreditsError
            If the provider refuses the token, or there are no credits; so it would every clip.
        ClipRefusedError
            If it refuses this clip.
        TaskFailedError
            If it says that the task failed.
        RateLimitedError
            If it asks to wait longer than the deadline allows.
        NotSentError
            If no connection came about.
        UnknownOutcomeError
            If nobody knows whether the call was charged; it is not repeated. What came is kept.
        DeadlineError
            If the clip is not ready at the deadline.
        """
        limit = Deadline(self._clock(), deadline)
        _check_clip_id(clip_id)
        stored = self._archive.load(clip_id)
        if stored is not None:
            return self._from_archive(stored, limit)
        token = self._token
        if token is None:
            raise TokenError(
                clip_id, f"no token; set {TOKEN_VARIABLE} to the token of your account"
            )
        raw, outcome = self._ask(clip_id, token, limit)
        self._store(clip_id, raw)
        hosted, problem = self._hosted(clip_id, outcome.midi_url, limit)
        return Clip(clip_id, raw, hosted, problem)

    def _ask(self, clip_id: str, token: Secret, limit: Deadline) -> tuple[bytes, Outcome]:
        """Call until the answer is there, as often as the rules allow."""
        content = json.dumps({"clip_id": clip_id}).encode()
        tally = Tally()
        while True:
            self._archive.reserve(clip_id)
            begun = self._clock()
            if limit.left(begun) <= 0:
                raise DeadlineError(clip_id, "the deadline passed while waiting; fetch it again")
            reply = self._post(content, token, limit)
            seen, outcome = _judge(reply, token)
            now = self._clock()
            step = advance(
                tally,
                outcome,
                clip_id=clip_id,
                took_seconds=now - begun,
                left_seconds=limit.left(now),
                deadline_seconds=limit.seconds,
                jitter=random.random(),  # noqa: S311 - spreads calls, keeps no secret
            )
            if isinstance(reply, Reply) and step.delivered:
                return reply.body, outcome
            if step.error is not None:
                kept = self._keep_fragment(clip_id, seen, outcome, limit)
                if kept:
                    raise UnknownOutcomeError(clip_id, f"{outcome.problem}; {kept}")
                raise step.error
            tally = step.tally
            self._sleep(step.pause)

    def _post(self, content: bytes, token: Secret, limit: Deadline) -> Reply | Failure:
        """Send the paid call once."""
        from midikit.fetch.wire import Wire, post  # noqa: PLC0415 - imports httpx

        return post(
            self._transport or Wire(),
            self._url,
            content,
            token=token,
            left=lambda: limit.left(self._clock()),
        )

    def _store(self, clip_id: str, raw: bytes) -> None:
        """Keep a paid answer, if not in the archive then wherever it can be kept."""
        try:
            self._archive.store_answer(clip_id, raw)
        except OutputError as error:
            problem = str(error)
        else:
            return
        self.unsaved[clip_id] = raw
        path = spill(clip_id, raw)
        where = f"it is in {printable(path, 300)}" if path else "it is in Client.unsaved alone"
        raise OutputError(f"{problem}; the answer of clip {clip_id} was paid for, {where}")

    def _keep_fragment(
        self, clip_id: str, reply: Reply | Failure, outcome: Outcome, limit: Deadline
    ) -> str:
        """Keep what came of an answer that is not whole, and its .mid; say where it is."""
        came = isinstance(reply, Reply) and 200 <= reply.status < 300 and bool(reply.body)
        if outcome.verdict is not Verdict.UNKNOWN or not came:
            return ""
        assert isinstance(reply, Reply)
        try:
            kept = f"what came is kept in {self._archive.store_fragment(clip_id, reply.body)}"
        except OutputError as error:
            self.unsaved[clip_id] = reply.body
            kept = f"what came could not be kept: {error}"
        if outcome.midi_url is not None:
            problem = self._hosted(clip_id, outcome.midi_url, limit)[1]
            kept += f"; no hosted .mid: {problem}" if problem else ", the hosted .mid beside it"
        return kept

    def _from_archive(self, stored: Stored, limit: Deadline) -> Clip:
        """Return a clip that is there, with one more try for a .mid that is not."""
        if stored.hosted is not None:
            return Clip(stored.clip_id, stored.raw, stored.hosted, from_archive=True)
        outcome = classify(Reply(200, {}, stored.raw), wall_seconds=time.time())
        hosted, problem = self._hosted(stored.clip_id, outcome.midi_url, limit)
        if stored.hosted_problem is not None:
            problem = f"{stored.hosted_problem}; " + (problem or "downloaded again")
        return Clip(stored.clip_id, stored.raw, hosted, problem, from_archive=True)

    def _hosted(
        self, clip_id: str, url: str | None, limit: Deadline
    ) -> tuple[bytes | None, str | None]:
        """Download the hosted .mid and keep it; it is free, and gone in a day."""
        if url is None:
            return None, _NO_ADDRESS
        left = limit.left(self._clock())
        if left <= 0:
            return None, "no time was left for the hosted .mid; fetch it again, that is free"
        try:
            data = download(
                url,
                deadline=min(_DOWNLOAD_SECONDS, left),
                allow_hosts=self._allow_hosts,
                transport=self._transport,
                clock=self._clock,
                sleep=self._sleep,
            )
        except DownloadError as error:
            return None, error.problem
        try:
            self._archive.store_hosted(clip_id, data)
        except OutputError as error:
            return data, f"downloaded, but not stored: {error}"
        return data, None


def _judge(reply: Reply | Failure, token: Secret) -> tuple[Reply | Failure, Outcome]:
    """Classify an answer; return it as it may be shown, without the token, should it quote it."""
    seen = reply
    if isinstance(reply, Reply):
        seen = replace(reply, body=token.redact_bytes(reply.body))
    try:
        outcome = classify(seen, wall_seconds=time.time())
    except Exception as error:  # noqa: BLE001 - a fault of ours must not cost a paid answer
        problem = f"the answer could not be looked into ({type(error).__name__})"
        outcome = Outcome(Verdict.UNKNOWN, problem, UnknownOutcomeError)
    return seen, replace(outcome, problem=token.redact(outcome.problem))


def _check_clip_id(clip_id: object) -> None:
    """Refuse what cannot be the id of a clip."""
    if not isinstance(clip_id, str) or not _CLIP_ID.fullmatch(clip_id):
        problem = (
            f"got {quoted(clip_id)}; expected 1 to {_MAX_CLIP_ID} printable ASCII characters "
            "without spaces"
        )
        raise InputError("", "clip id", problem)


def _checked_base(base_url: str | None) -> str:
    """Return the base of the endpoint without a slash at its end."""
    if base_url is None:
        base_url = os.environ.get(BASE_VARIABLE, "")
    base = base_url.strip() or DEFAULT_BASE_URL
    if not (base.isascii() and base.isprintable()) or set(base) & set(" \\"):
        raise _bad_base("holds spaces or characters that are no printable ASCII")
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _bad_base(f"got {quoted(base)}") from None
    if "@" in parts.netloc:
        raise _bad_base("holds a user name, which is not sent")
    if parts.scheme not in {"https", "http"} or not is_host(host) or "?" in base or "#" in base:
        raise _bad_base(f"got {quoted(base)}")
    if parts.scheme == "http" and not is_loopback(host):
        raise _bad_base(f"got {quoted(base)}, and plain http is for this machine alone")
    return base.rstrip("/")


def _bad_base(problem: str) -> RemoteError:
    """Make the error for a base URL that cannot be used."""
    expected = f"expected such as {DEFAULT_BASE_URL}"
    return RemoteError("", f"base URL ({BASE_VARIABLE}): {problem}; {expected}")
