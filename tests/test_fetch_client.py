"""The paid endpoint from outside: what is sent, what is waited, what is kept, what is raised."""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import pickle
import stat
import subprocess
import sys
import tempfile
import traceback
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from midikit import errors
from midikit.convert.midi import to_midi
from midikit.fetch.client import Client, Clip
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.keeping import spill
from midikit.fetch.memory import MemoryArchive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from midikit.fetch.archive import Record, Stored

CLIP = "29fc9d9e-a550-47d9-bfd2-6640a4025acc"
TOKEN = "sk-Zq7-do-not-show-me-4411"
MID = bytes.fromhex("4d546864000000060000000101e0 4d54726b0000000400ff2f00")
URL = "https://cdn.test/a.mid"
NOTES = [{"start": 0.0, "end": 0.5, "pitch": 60, "velocity": 0.8}]
DATA = {"midi_url": URL, "instruments": [{"name": "Piano", "notes": NOTES}]}
RAW = json.dumps({"code": 200, "data": DATA}).encode()
RUNNING = (200, b'{"code":200,"data":{"state":"running"}}')

Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]] | type[BaseException]


class World:
    """A service that answers from a list, on a clock that only pauses and answers move."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.now = 1000.0
        self.pauses: list[float] = []
        self.moments: list[float] = []
        self.requests: list[httpx.Request] = []
        self.answers: list[Answer] = []
        self.hosted: Answer = (200, MID)
        self.answer_seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.hosted
        if request.method == "POST":
            self.moments.append(self.now - 1000.0)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.now += self.answer_seconds
        if isinstance(answer, type):
            raise answer("the socket's own words")
        status, body = answer[:2]
        return httpx.Response(status, content=body, headers=answer[2] if len(answer) > 2 else {})

    @property
    def posts(self) -> list[httpx.Request]:
        return [request for request in self.requests if request.method == "POST"]

    def client(self, **options: Any) -> Client:
        options = {"token": TOKEN, "archive": SqliteArchive(self.home), **options}
        transport = httpx.MockTransport(self.handle)
        return Client(transport=transport, clock=lambda: self.now, sleep=self.sleep, **options)

    def stored(self, clip_id: str = CLIP) -> Stored | None:
        with SqliteArchive(self.home) as archive:
            return archive.load(clip_id)

    def bytes_kept(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.home.rglob("*") if path.is_file())

    def fetch(self, *answers: Answer, deadline: float = 300.0) -> Clip:
        if answers:
            self.answers = list(answers)
        with self.client() as client:
            return client.fetch(CLIP, deadline=deadline)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Make a world whose one host for files is allowed."""
    for name in ("MIDIKIT_TOKEN", "MIDIKIT_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MIDIKIT_ALLOW_HOSTS", "cdn.test:443")
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    return World(tmp_path / "home")


def test_one_call_gives_the_clip_and_its_file(world: World) -> None:
    """One POST with the token, one GET without it, and everything is there."""
    clip = world.fetch((200, RAW))
    assert (clip.raw, clip.hosted, clip.hosted_problem) == (RAW, MID, None)
    assert not clip.from_archive
    assert clip.song is clip.song
    assert clip.song.note_array()["pitch"].tolist() == [60]
    post, get = world.requests
    assert str(post.url) == "https://api.aimusicapi.ai/api/v1/suno/midi"
    assert post.headers["authorization"] == f"Bearer {TOKEN}"
    assert post.headers["accept-encoding"] == "identity"
    assert json.loads(post.content) == {"clip_id": CLIP}
    assert (get.method, str(get.url)) == ("GET", URL)
    assert not {"authorization", "cookie"} & set(get.headers)
    assert RAW.decode() not in repr(clip)


def test_the_second_fetch_sends_nothing(world: World) -> None:
    """What was paid for is served from the archive, by another client, without a token."""
    first = world.fetch((200, RAW))
    world.requests.clear()
    second = world.client(token=None).fetch(CLIP)
    assert second.from_archive
    assert (second.raw, second.hosted) == (first.raw, first.hosted)
    assert world.requests == []


def test_polls_grow_to_twenty_seconds(world: World) -> None:
    """The first comes within two seconds, none is more than twenty after the one before."""
    clip = world.fetch(*[RUNNING] * 12, (200, RAW), deadline=600)
    assert clip.raw == RAW
    assert len(world.posts) == 13
    assert world.pauses[0] <= 2.0
    assert world.pauses[:6] == sorted(world.pauses[:6])
    assert 16.0 <= min(world.pauses[6:]) <= max(world.pauses) <= 20.0


@pytest.mark.parametrize("deadline", [1.0, 5.0, 30.0, 300.0])
def test_a_clip_that_never_comes_ends_at_the_deadline(world: World, deadline: float) -> None:
    """The last call is made shortly before the deadline, and none after it."""
    with pytest.raises(errors.DeadlineError) as caught:
        world.fetch(RUNNING, deadline=deadline)
    assert deadline - max(2.0, 0.6 * deadline) <= world.moments[-1] <= deadline
    assert world.now - 1000.0 <= deadline
    if deadline >= 30:
        assert deadline - world.moments[-1] <= 2.75 + 1e-6
    assert f"and {len(world.posts)} call" in str(caught.value)
    assert "not ready yet, the state is 'running'" in str(caught.value)


def test_a_slow_service_is_not_cut_off_in_the_middle(world: World) -> None:
    """No call is begun that the deadline would cut: that call would be of unknown outcome."""
    world.answer_seconds = 9.0
    with pytest.raises(errors.DeadlineError):
        world.fetch(RUNNING, deadline=60.0)
    assert world.now - 1000.0 <= 60.0


TABLE: list[tuple[Answer, int, type[errors.RemoteError]]] = [
    (httpx.ConnectError, 4, errors.NotSentError),
    (httpx.ConnectTimeout, 4, errors.NotSentError),
    (httpx.ReadTimeout, 1, errors.UnknownOutcomeError),
    (httpx.WriteTimeout, 1, errors.UnknownOutcomeError),
    (httpx.ReadError, 1, errors.UnknownOutcomeError),
    (httpx.WriteError, 1, errors.UnknownOutcomeError),
    (httpx.RemoteProtocolError, 1, errors.UnknownOutcomeError),
    (OSError, 1, errors.UnknownOutcomeError),
    (RuntimeError, 1, errors.UnknownOutcomeError),
    ((500, b"{}"), 1, errors.UnknownOutcomeError),
    ((502, b"<html>Bad Gateway</html>"), 1, errors.UnknownOutcomeError),
    ((503, b""), 1, errors.UnknownOutcomeError),
    ((200, b"<html>Oops</html>"), 1, errors.UnknownOutcomeError),
    ((200, RAW[:40]), 1, errors.UnknownOutcomeError),
    ((200, b'{"state":"dreaming"}'), 1, errors.UnknownOutcomeError),
    ((307, b"", {"location": "https://elsewhere.test/"}), 1, errors.UnknownOutcomeError),
    ((200, b'{"state":"failed"}'), 1, errors.TaskFailedError),
    ((504, b'{"code":504}'), 3, errors.TaskFailedError),
    ((400, b'{"message":"task not found."}'), 1, errors.ClipRefusedError),
    ((404, b""), 1, errors.ClipRefusedError),
    ((422, b""), 1, errors.ClipRefusedError),
    ((401, b""), 1, errors.AuthenticationError),
    ((403, b""), 1, errors.AuthenticationError),
    ((402, b""), 1, errors.CreditsError),
    ((403, b"no active subscription"), 1, errors.CreditsError),
    ((200, b'{"code":403,"message":"credits not enough"}'), 1, errors.CreditsError),
    ((429, b"", {"retry-after": "86400"}), 1, errors.RateLimitedError),
    ((429, b"", {"retry-after": "0"}), 13, errors.RateLimitedError),
    ((503, b"", {"retry-after": "1"}), 13, errors.RateLimitedError),
]


@pytest.mark.parametrize(("answer", "posts", "kind"), TABLE)
def test_a_fault_that_stays_costs_exactly_so_many_calls(
    world: World, answer: Answer, posts: int, kind: type[errors.RemoteError]
) -> None:
    """Each row of the table: the number of POSTs, the exception, and no wait past the deadline."""
    with pytest.raises(errors.RemoteError) as caught:
        world.fetch(answer)
    assert type(caught.value) is kind
    assert len(world.posts) == posts
    assert caught.value.clip_id == CLIP
    assert str(caught.value).startswith(f"clip {CLIP}: ")
    assert world.now - 1000.0 <= 300.0
    stored = world.stored()
    assert stored is not None
    assert stored.answer is None


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError,
        (429, b"", {"retry-after": "3"}),
        (503, b"", {"retry-after": "3"}),
        (504, b'{"message":"credits refunded"}'),
        (200, b'{"code":429}', {"retry-after": "3"}),
    ],
)
def test_a_fault_that_cost_nothing_is_got_over(world: World, fault: Answer) -> None:
    """Before the first call is answered, and between two polls."""
    clip = world.fetch(fault, RUNNING, fault, (200, RAW))
    assert clip.raw == RAW
    assert len(world.posts) == 4
    if isinstance(fault, tuple) and len(fault) == 3:
        assert [world.pauses[0], world.pauses[2]] == [3.0, 3.0]


@pytest.mark.parametrize("fault", [httpx.ReadTimeout, httpx.ReadError, (500, b"")])
def test_a_poll_without_an_answer_is_unknown(world: World, fault: Answer) -> None:
    """Polls may be charged too, so a lost one is not repeated either."""
    with pytest.raises(errors.UnknownOutcomeError):
        world.fetch(RUNNING, fault, (200, RAW))
    assert len(world.posts) == 2


def test_retry_after_as_a_date_is_measured_against_the_answer(world: World) -> None:
    """A client whose clock is years off waits the same seven seconds."""
    headers = {
        "date": "Sun, 06 Nov 1994 08:49:37 GMT",
        "retry-after": "Sun, 06 Nov 1994 08:49:44 GMT",
    }
    world.fetch((429, b"", headers), (200, RAW))
    assert world.pauses == [7.0]


def test_a_broken_answer_is_kept_and_its_file_downloaded(world: World) -> None:
    """What came was probably paid for: the bytes, and the .mid its fragment names."""
    with pytest.raises(errors.UnknownOutcomeError, match=r"hosted \.mid too") as caught:
        world.fetch((200, RAW[:90]))
    assert "what came is kept in the archive" in str(caught.value)
    assert RAW[:90] in world.bytes_kept()
    stored = world.stored()
    assert stored is not None
    assert (stored.answer, stored.midi, stored.record.midi_origin) == (None, MID, "hosted")
    assert len(world.posts) == 1


def test_the_answer_is_stored_before_the_download(world: World) -> None:
    """Whatever happens while the .mid is downloaded, what was paid for is on disk."""
    world.hosted = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        world.fetch((200, RAW))
    stored = world.stored()
    assert stored is not None
    assert (stored.answer, stored.record.state, stored.record.owner) == (RAW, "delivered", "")


@pytest.mark.parametrize("hosted", [(404, b"gone"), (200, b"<html>login</html>"), httpx.ReadError])
def test_a_failed_download_costs_nothing(world: World, hosted: Answer) -> None:
    """The .mid is made of the notes and says why; the next fetch tries again, for nothing."""
    world.hosted = hosted
    clip = world.fetch((200, RAW))
    assert clip.rebuilt
    assert clip.hosted == to_midi(clip.song)
    assert str(clip.hosted_problem).startswith(URL)
    assert world.fetch() == replace(clip, from_archive=True)
    world.hosted = (200, MID)
    again = world.fetch()
    assert (again.from_archive, again.hosted, again.hosted_problem) == (True, MID, None)
    assert not again.rebuilt
    assert len(world.posts) == 1
    world.requests.clear()
    assert world.fetch() == again
    assert world.requests == []


def test_an_answer_without_an_address_says_so(world: World) -> None:
    """No midi_url is no fault."""
    clip = world.fetch((200, b'{"instruments": []}'))
    assert clip.rebuilt
    assert clip.hosted_problem == "the answer names no web address of a hosted file"
    assert len(clip.song.tracks) == 0


def flip(world: World, data: bytes) -> None:
    """Change the last byte of something in the database, which is closed."""
    path = world.home / "archive.sqlite3"
    whole = path.read_bytes()
    assert whole.count(data) == 1
    path.write_bytes(whole.replace(data, data[:-1] + bytes([data[-1] ^ 1])))


def test_damage_is_reported_and_never_bought_again(world: World) -> None:
    """A flipped bit in the answer is an error; in the .mid it is named, and downloaded again."""
    archive = SqliteArchive(world.home)
    world.answers = [(200, RAW)]
    world.client(archive=archive).fetch(CLIP)
    archive.close()
    flip(world, MID)
    archive = SqliteArchive(world.home)
    clip = world.client(archive=archive).fetch(CLIP)
    archive.close()
    assert clip.hosted == MID
    assert "damaged" in str(clip.hosted_problem)
    assert str(clip.hosted_problem).endswith("downloaded again")
    flip(world, RAW)
    with pytest.raises(errors.InputError, match="not bought again"):
        world.fetch()
    assert len(world.posts) == 1


def test_an_archive_that_cannot_be_written_is_refused_before_paying(world: World) -> None:
    """No call is made whose answer could not be kept."""
    world.home.write_text("in the way")
    with pytest.raises(errors.MidikitError, match="MIDIKIT_HOME"):
        world.fetch((200, RAW))
    assert world.requests == []


class FailingArchive(MemoryArchive):
    """An archive whose disk fills up at the wrong moment: which bytes it refuses, and how."""

    def __init__(self, *kinds: str, error: BaseException | None = None) -> None:
        super().__init__()
        self.kinds = kinds
        self.error = error or errors.OutputError("disk full")

    def store(self, record: Record, **data: bytes | None) -> None:
        if any(data.get(kind) is not None for kind in self.kinds):
            raise self.error
        super().store(record, **data)


def test_a_paid_answer_that_cannot_be_stored_is_not_lost(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to the temporary folder and stays in the client, and the error says where."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    world.answers = [(200, RAW)]
    client = world.client(archive=FailingArchive("answer"))
    with pytest.raises(
        errors.UnsavedError, match=r"disk full; what came for clip .* paid"
    ) as caught:
        client.fetch(CLIP)
    assert client.unsaved == {CLIP: RAW}
    assert Path(str(caught.value).rsplit("it is in ", 1)[1]).read_bytes() == RAW


class Encoded:
    """A body as it was sent, which no library decodes on the way."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __call__(self, request: httpx.Request, encoding: str) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, content=MID)
        headers = {"content-encoding": encoding}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(self.body))


_deflater = zlib.compressobj(wbits=-15)
RAW_DEFLATE = _deflater.compress(RAW) + _deflater.flush()


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", RAW),
        ("deflate", RAW_DEFLATE),
        ("gzip", gzip.compress(RAW) + b"and more"),
        ("gzip", gzip.compress(RAW[:50]) + gzip.compress(RAW[50:])),
        ("br", RAW),
        ("identity", gzip.compress(RAW)),
    ],
)
def test_a_wrong_encoding_does_not_cost_a_paid_answer(
    world: World, monkeypatch: pytest.MonkeyPatch, encoding: str, sent: bytes
) -> None:
    """Plain JSON called gzip, deflate without its header, bytes after the end: delivered."""
    monkeypatch.setattr(world, "handle", lambda request: Encoded(sent)(request, encoding))
    clip = world.fetch((200, b""))
    assert clip.song.note_count == 1
    assert clip.hosted == MID


@pytest.mark.parametrize(("encoding", "body"), [("gzip", RAW[:60]), ("br", b"\x8b\x02\x80")])
def test_what_cannot_be_decoded_is_kept_as_it_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, encoding: str, body: bytes
) -> None:
    """The bytes were paid for, whatever they are."""
    sent = gzip.compress(body)[:-1] if encoding == "gzip" else body
    monkeypatch.setattr(world, "handle", lambda request: Encoded(sent)(request, encoding))
    with pytest.raises(errors.UnknownOutcomeError, match="what came is kept"):
        world.fetch((200, b""))
    assert sent in world.bytes_kept()


def test_a_hosted_file_named_by_a_failure_is_downloaded(world: World) -> None:
    """It is free, and may be all that is left of what was paid for."""
    body = json.dumps({"message": "internal", "data": {"midi_url": URL}}).encode()
    with pytest.raises(errors.UnknownOutcomeError, match=r"kept in .*, the hosted \.mid too"):
        world.fetch((500, body))
    stored = world.stored()
    assert stored is not None
    assert stored.midi == MID


@pytest.mark.parametrize(("body", "said"), [(RAW, "database is locked"), (RAW[:40], "Runtime")])
def test_no_error_of_a_store_loses_what_was_paid_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes, said: str
) -> None:
    """Whatever it raises: the bytes are in the client and in a file, and nothing is sent again."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    world.answers = [(200, body)]
    locked = RuntimeError("database is locked")
    archive = FailingArchive("answer", "fragment", error=locked)
    client = world.client(archive=archive)
    with pytest.raises(errors.UnsavedError, match=said) as caught:
        client.fetch(CLIP)
    assert client.unsaved == {CLIP: body}
    assert Path(caught.value.path).read_bytes() == body
    with pytest.raises(errors.UnknownOutcomeError, match="could not be stored; it is in /"):
        client.fetch(CLIP)
    assert len(world.posts) == 1


def test_an_interrupted_store_leaves_the_answer_in_the_client(world: World) -> None:
    """Ctrl-C in the middle of writing."""
    world.answers = [(200, RAW)]
    client = world.client(archive=FailingArchive("answer", error=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        client.fetch(CLIP)
    assert client.unsaved == {CLIP: RAW}


def test_one_slow_answer_leaves_time_for_another_call(world: World) -> None:
    """With two thirds of the deadline left it is not given up."""
    world.answer_seconds = 105.0
    assert world.fetch(RUNNING, (200, RAW)).raw == RAW
    assert len(world.posts) == 2


@pytest.mark.parametrize(
    "token", ["sk-Zq7/do\\not-show-me", "sk-Zq7-do-not-show-me-4411", "instruments"]
)
def test_an_answer_that_quotes_the_token_is_stored_without_it(world: World, token: str) -> None:
    """Masked as it is and as JSON writes it; unless the notes could not be read without it."""
    for clip_id, quote in (
        ("one", json.dumps(token)),
        ("two", json.dumps(token).replace("/", "\\/")),
    ):
        world.answers = [(200, RAW[:-1] + f', "echo": {quote}}}'.encode())]
        clip = world.client(token=token).fetch(clip_id)
        assert clip.song.note_count == 1
        stored = world.stored(clip_id)
        assert stored is not None
        assert stored.answer == clip.raw
        masked = token != "instruments"
        assert (b'"[token]"' in clip.raw) == masked
        assert b"Zq7" not in clip.raw


@pytest.mark.parametrize("from_environment", [False, True])
def test_a_bad_token_is_in_no_frame(
    world: World, monkeypatch: pytest.MonkeyPatch, from_environment: bool
) -> None:
    """A traceback with the local variables of every frame of ours does not show it."""
    bad = TOKEN + " with a space"
    if from_environment:
        monkeypatch.setenv("MIDIKIT_TOKEN", bad)
    with pytest.raises(errors.TokenError) as caught:
        Client(None if from_environment else bad)
    trace = caught.value.__traceback__
    assert trace is not None
    trace = trace.tb_next  # below this test
    frames = 0
    while trace is not None:
        assert TOKEN not in repr(trace.tb_frame.f_locals)
        frames += 1
        trace = trace.tb_next
    assert frames >= 3


def test_another_store_fits(world: World) -> None:
    """A service with a store of its own brings it, and nothing touches the disk."""

    memory = MemoryArchive()
    world.answers = [(200, RAW)]
    world.client(archive=memory).fetch(CLIP)
    stored = memory.load(CLIP)
    assert stored is not None
    assert (stored.answer, stored.midi) == (RAW, MID)
    assert not world.home.exists()


@pytest.mark.parametrize("bad", ["", "a b", "a\n", "é", "x" * 201, "\x1b[2J", None, 5])
def test_what_is_no_clip_id_is_refused_before_anything(world: World, bad: Any) -> None:
    """The message quotes it, escaped, and says what is expected."""
    with pytest.raises(errors.InputError, match=r"^.+ is no clip id; expected 1 to 200") as caught:
        world.client().fetch(bad)
    assert "\x1b" not in str(caught.value)
    assert world.requests == []


@pytest.mark.parametrize("deadline", [0, -1, float("nan"), float("inf")])
def test_a_deadline_without_end_is_refused(world: World, deadline: float) -> None:
    """Nothing waits for ever, and nothing is paid to find that out."""
    with pytest.raises(errors.InputError, match="deadline"):
        world.fetch((200, RAW), deadline=deadline)
    assert world.requests == []


def test_no_token_is_an_error_only_when_one_is_needed(world: World) -> None:
    """The message names the variable."""
    with pytest.raises(errors.TokenError, match="set MIDIKIT_TOKEN"):
        world.client(token=None).fetch(CLIP)
    assert world.requests == []


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.sunoapi.com/api/v1/sonic/", "https://api.sunoapi.com/api/v1/sonic/midi"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x/midi"),
        ("http://localhost:8000", "http://localhost:8000/midi"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x/midi"),
    ],
)
def test_the_base_may_be_another(
    world: World, monkeypatch: pytest.MonkeyPatch, base: str, url: str
) -> None:
    """From the argument or the environment: https, or http on this machine."""
    world.answers = [(200, RAW)]
    world.client(base_url=base).fetch("one")
    monkeypatch.setenv("MIDIKIT_BASE_URL", f" {base}\n")
    world.client().fetch("two")
    assert [str(post.url) for post in world.posts] == [url, url]


@pytest.mark.parametrize(
    "base",
    [
        "http://api.example/x",
        "http://127.1/x",
        "http://2130706433/x",
        "http://127.0.0.1.example/x",
        "http://user@127.0.0.1/x",
        "https://user:secret-word@api.example/x",
        "https://api.example/x?y=1",
        "https://api.example/#x",
        "https://api.example:99999/x",
        "https:///x",
        "ftp://api.example/x",
        "api.example/x",
        "https://api.example/a b",
        "https://api.example\\@evil.example",
        "https://[::1",
        "https://éxample.test/",
    ],
)
def test_a_base_that_would_betray_the_token_is_refused(world: World, base: str) -> None:
    """At once, naming the variable, and without repeating a password."""
    with pytest.raises(errors.RemoteError, match="MIDIKIT_BASE_URL") as caught:
        world.client(base_url=base)
    assert "secret-word" not in str(caught.value)


def test_hosts_to_allow_are_checked_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in the variable is said before anything is paid."""
    monkeypatch.setenv("MIDIKIT_ALLOW_HOSTS", "127.0.0.1")
    with pytest.raises(errors.RemoteError, match=r"MIDIKIT_ALLOW_HOSTS: got '127.0.0.1'; expected"):
        world.client()


@pytest.fixture
def everything_said() -> Iterator[io.StringIO]:
    """Collect every log line of every library."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def leaks(text: str) -> list[str]:
    """Find the token, its base64, or its end in a text."""
    encoded = base64.b64encode(TOKEN.encode()).decode().rstrip("=")
    return [form for form in (TOKEN, encoded, TOKEN[-8:]) if form in text]


def with_locals(error: BaseException) -> str:
    """Write a traceback with the local variables of every frame of every chained exception."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format()) + repr(error.__context__) + repr(error.__cause__)


ECHO = f"your token {TOKEN} is bad".encode()
SCENES: list[Answer] = [
    httpx.ConnectError,
    httpx.ReadError,
    RuntimeError,
    KeyboardInterrupt,
    (401, ECHO),
    (403, b'{"message": "' + b"x" * 290 + ECHO + b'"}'),
    (500, ECHO),
    (200, b"<html><title>" + ECHO + b"</title></html>"),
    (200, b'{"code": 400, "message": "' + ECHO + b'"}'),
    (200, b'{"state": "failed", "message": "' + ECHO + b'"}'),
    (200, b'{"midi_url": "https://cdn.test/x.mid", "echo": "' + ECHO),
]


@pytest.mark.parametrize("scene", range(len(SCENES)))
def test_the_token_is_nowhere(world: World, scene: int, everything_said: io.StringIO) -> None:
    """Not in messages, tracebacks with locals, pickles, logs, files, or what the .mid host saw."""
    world.answers = [SCENES[scene]]
    client = world.client()
    with pytest.raises((errors.MidikitError, KeyboardInterrupt)) as caught:
        client.fetch(CLIP)
    error = caught.value
    assert error.__context__ is None
    frames = traceback.extract_tb(error.__traceback__)
    assert not any("httpx" in frame.filename for frame in frames)
    said = with_locals(error) + pickle.dumps(error).decode("latin-1")
    said += repr(client) + repr(vars(client)) + everything_said.getvalue()
    for path in world.home.rglob("*"):
        said += path.read_bytes().decode("latin-1") if path.is_file() else str(path)
    said += "".join(str(r.headers.raw) for r in world.requests if r.method != "POST")
    assert leaks(said) == []


def test_a_client_is_not_pickled(world: World) -> None:
    """The token stays in its process."""
    with pytest.raises((TypeError, AttributeError)) as caught:
        pickle.dumps(world.client())
    assert leaks(str(caught.value)) == []
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        pickle.dumps(Client(TOKEN))


def test_nothing_loads_httpx_before_it_is_needed() -> None:
    """Converting a saved file does not wait for a network library."""
    code = (
        "import sys, midikit.fetch.client, midikit.fetch.download;"
        "midikit.fetch.client.Client('token');"
        "print({'httpx', 'httpcore', 'ssl'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_fault_of_ours_does_not_cost_a_paid_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If looking into an answer fails, its bytes are kept and nothing is sent again."""

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("midikit.fetch.judging.classify", fail)
    with pytest.raises(errors.UnknownOutcomeError, match=r"\(MemoryError\); what came is kept"):
        world.fetch((200, RAW))
    assert RAW in world.bytes_kept()
    assert len(world.posts) == 1


def test_what_cannot_be_stored_beside_an_answer_is_said(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A .mid is handed over all the same, a fragment stays in the client."""
    client = world.client(archive=FailingArchive("midi", "fragment"))
    world.answers = [(200, RAW)]
    clip = client.fetch(CLIP)
    assert (clip.hosted, clip.hosted_problem) == (MID, "downloaded, but not stored: disk full")
    world.answers = [(200, RAW[:20])]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(
        errors.UnsavedError, match="what came could not be kept: disk full"
    ) as caught:
        client.fetch("other")
    assert caught.value.path == ""
    assert str(caught.value).endswith("may have been paid for, it is in Client.unsaved alone")
    assert client.unsaved == {"other": RAW[:20]}


def test_an_answer_in_the_last_moment_is_kept_without_its_file(world: World) -> None:
    """The deadline is total; the file is free at the next fetch."""
    world.answer_seconds = 10.0
    clip = world.fetch((200, RAW), deadline=10.0)
    assert clip.raw == RAW
    assert "no time was left for the hosted .mid" in str(clip.hosted_problem)
    assert world.fetch().hosted == MID


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
