"""The sandbox's faults, seen from the socket, and the ledger it keeps of them."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from midikit import read_json, read_midi
from midikit.errors import InputError
from midikit.sandbox import FAULTS, Ledger, Sandbox, serve
from midikit.sandbox.hostile import ADDRESSES
from midikit.sandbox.made import made_answer, made_id, made_midi, made_number
from midikit.sandbox.rehearsal import Rehearsal, read_fault

if TYPE_CHECKING:
    from collections.abc import Iterator


def address(sandbox: Sandbox) -> tuple[str, int]:
    """Host and port of a sandbox."""
    host, port = sandbox.environment["MIDIKIT_ALLOW_HOSTS"].rsplit(":", 1)
    return host, int(port)


def raw(sandbox: Sandbox, clip_id: str, *, seconds: float = 10.0) -> bytes:
    """Call for a clip and give every byte that comes until the connection ends."""
    body = json.dumps({"clip_id": clip_id}).encode()
    head = (
        f"POST /api/v1/suno/midi HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sandbox.token}\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(address(sandbox), timeout=seconds) as connection:
        connection.sendall(head.encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def call(sandbox: Sandbox, clip_id: str) -> tuple[int, dict[str, str], bytes]:
    """Call for a clip, until the sandbox has hung up and noted it; status, headers and body."""
    head, _, body = raw(sandbox, clip_id).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body


def shown(url: str) -> Any:
    """Read JSON from an address of the sandbox."""
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Serve any clip, each with the faults its id names."""
    with serve(polls=0, songs=(), any_clip=True, repeat_charges=True) as running:
        yield running


# Statuses: status, credits after two calls where a repeated one is charged too.


@pytest.mark.parametrize(
    ("mode", "status", "then", "charged"),
    [
        ("429", 429, 200, 1),
        ("429-bare", 429, 200, 1),
        ("429-junk", 429, 200, 1),
        ("429-day", 429, 429, 0),
        ("429_forever", 429, 429, 0),
        ("429-credits", 429, 429, 0),
        ("430", 430, 200, 1),
        ("455", 455, 455, 0),
        ("400", 400, 400, 0),
        ("401", 401, 401, 0),
        ("402", 402, 402, 0),
        ("403", 403, 403, 0),
        ("403-credits", 403, 403, 0),
        ("403-in-200", 200, 200, 0),
        ("500", 500, 200, 1),
        ("500_forever", 500, 500, 0),
        ("500-charged", 500, 200, 2),
        ("502-html", 502, 200, 1),
        ("503", 503, 200, 1),
        ("503-after", 503, 200, 1),
        ("504-refunded", 504, 200, 2),
        ("504-gateway", 504, 200, 2),
        ("html-200", 200, 200, 2),
        ("not-json", 200, 200, 2),
        ("empty-200", 200, 200, 2),
        ("running", 200, 200, 1),
        ("failed", 200, 200, 0),
        ("redirect-307", 307, 307, 0),
        ("url-canary", 200, 200, 2),
        ("mid-404", 200, 200, 2),
        ("slow", 200, 200, 2),
    ],
)
def test_answers_with_a_status(
    sandbox: Sandbox, mode: str, status: int, then: int, charged: int
) -> None:
    """What two calls are answered and what they would have cost."""
    clip_id = f"{mode}.two-calls"
    assert [call(sandbox, clip_id)[0] for _ in range(2)] == [status, then]
    account = sandbox.ledger.account(clip_id)
    assert (account.posts, account.charged) == (2, charged)
    assert account.refunded == (mode == "504-refunded")


def test_waiting_is_asked_for_in_every_form(sandbox: Sandbox) -> None:
    """Seconds, a date ahead, a date that is past, and nothing."""
    assert call(sandbox, "429.wait")[1]["Retry-After"] == "1"
    assert "Retry-After" not in call(sandbox, "429-bare.wait")[1]
    for mode, low, high in (("429-date", 0, 3), ("429-past", -3700, -3500)):
        headers = call(sandbox, f"{mode}.wait")[1]
        until, now = (parsedate_to_datetime(headers[name]) for name in ("Retry-After", "Date"))
        assert low <= (until - now).total_seconds() <= high


@pytest.mark.parametrize(
    ("mode", "charged"),
    [("close-charged", 1), ("reset-charged", 1), ("reset-before", 0)],
)
def test_ends_without_an_answer(sandbox: Sandbox, mode: str, charged: int) -> None:
    """A farewell or a reset, and the answer at the next call."""
    clip_id = f"{mode}.silent"
    if mode == "close-charged":
        assert raw(sandbox, clip_id) == b""
    else:
        with pytest.raises(ConnectionResetError):
            raw(sandbox, clip_id)
    account = sandbox.ledger.account(clip_id)
    assert (account.charged, account.delivered) == (charged, 0)
    assert raw(sandbox, clip_id).endswith(sandbox.answer(clip_id))
    assert sandbox.ledger.account(clip_id).delivered == 1


@pytest.mark.parametrize("mode", ["cut-body", "cut-chunked"])
def test_half_an_answer_holds_the_address_of_the_mid(sandbox: Sandbox, mode: str) -> None:
    """It is charged and not delivered."""
    clip_id = f"{mode}.half"
    whole = sandbox.answer(clip_id)
    came = raw(sandbox, clip_id)
    assert sandbox.midi_url(clip_id).encode() in came
    assert whole not in came
    account = sandbox.ledger.account(clip_id)
    assert (account.charged, account.delivered) == (1, 0)


@pytest.mark.parametrize("mode", ["timeout-charged", "stall-charged", "drip"])
def test_a_client_that_leaves_is_let_go(sandbox: Sandbox, mode: str) -> None:
    """Nothing, or little, comes in half a second; the thread ends with the client."""
    clip_id = f"{mode}.left"
    with pytest.raises(TimeoutError):
        raw(sandbox, clip_id, seconds=0.1)
    assert sandbox.ledger.account(clip_id).charged == 1
    assert sandbox.ledger.account(clip_id).delivered == 0


def test_waiting_before_and_after_the_charge(sandbox: Sandbox) -> None:
    """Half a second late either way; what a kill in between would cost differs."""
    for mode, early in (("slow", 0), ("slow-charged", 1)):
        clip_id = f"{mode}.timed"
        began = time.monotonic()
        thread = threading.Thread(target=call, args=(sandbox, clip_id))
        thread.start()
        time.sleep(0.25)
        assert sandbox.ledger.account(clip_id).charged == early
        thread.join()
        assert time.monotonic() - began >= 0.5
        assert sandbox.ledger.account(clip_id).charged == 1


def test_a_bomb_is_small_on_the_wire_and_an_endless_body_is_not(sandbox: Sandbox) -> None:
    """200 MB from 200 kB; and more bytes than any answer has."""
    head, _, body = raw(sandbox, "bomb.x").partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert len(body) < 300_000
    assert sum(len(part) for part in iter_gunzip(body)) > 199_000_000
    with socket.create_connection(address(sandbox), timeout=10) as connection:
        connection.sendall(b"GET /files/mid-endless.x.mid HTTP/1.1\r\nHost: x\r\n\r\n")
        came = 0
        while came < 5_000_000:
            came += len(connection.recv(65536))


def iter_gunzip(data: bytes) -> Iterator[bytes]:
    """Unpack a piece at a time."""
    import io

    with gzip.open(io.BytesIO(data)) as file:
        while piece := file.read(1 << 20):
            yield piece


@pytest.mark.parametrize("name", ADDRESSES)
def test_hostile_addresses_come_in_answers_and_redirects(sandbox: Sandbox, name: str) -> None:
    """Word for word, whatever they hold; the answer is good otherwise."""
    answer = json.loads(call(sandbox, f"url-{name}.x")[2])
    clean = json.loads(sandbox.answer(f"url-{name}.x"))
    written = answer["data"].pop("midi_url")
    clean["data"].pop("midi_url")
    assert answer == clean
    assert "{" not in written
    request = f"GET /files/mid-to-{name}.x.mid HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(address(sandbox), timeout=10) as connection:
        connection.sendall(request.encode())
        came = b"".join(iter(lambda: connection.recv(65536), b""))
    assert came.startswith(b"HTTP/1.1 302 ")
    assert f"Location: {written}\r\n".encode() in came


@pytest.mark.parametrize(
    ("mode", "status", "start"),
    [
        ("mid-403", 403, b"<Error>"),
        ("mid-404", 404, b"gone"),
        ("mid-500", 500, b"<!DOCTYPE"),
        ("mid-html", 200, b"<!DOCTYPE"),
        ("mid-empty", 200, b""),
        ("mid-loop", 302, b""),
    ],
)
def test_hosted_files_go_wrong(sandbox: Sandbox, mode: str, status: int, start: bytes) -> None:
    """The call is answered as ever; the file is not what it should be."""
    connection = http.client.HTTPConnection(*address(sandbox), timeout=10)
    connection.request("GET", f"/files/{mode}.x.mid")
    response = connection.getresponse()
    assert (response.status, response.read()[: len(start)]) == (status, start)
    connection.close()


@pytest.mark.parametrize(
    "mode", ["echo-400", "echo-401", "echo-500", "echo-html", "echo-name", "url-echo"]
)
def test_a_careless_service_quotes_the_token(sandbox: Sandbox, mode: str) -> None:
    """In messages, pages, names and addresses; the file is there in spite of the query."""
    body = call(sandbox, f"{mode}.x")[2]
    assert sandbox.token.encode() in body
    if mode == "url-echo":
        url = json.loads(body)["data"]["midi_url"]
        with urllib.request.urlopen(url, timeout=10) as response:
            assert response.read() == made_midi(f"{mode}.x")
        assert any(sandbox.token in visit.path for visit in sandbox.ledger.hosted)


# Which clip meets which fault


def test_faults_come_one_after_the_other() -> None:
    """Of the call; those of the file are counted for themselves; polls come last."""
    rehearsal = Rehearsal(["429", "504-refunded:2", "mid-500"], polls=1)
    tells = [rehearsal.fault("x", "call", number) for number in range(1, 6)]
    names = ["429", "504-refunded", "504-refunded", "running"]
    assert tells == [*(FAULTS[name] for name in names), None]
    assert rehearsal.fault("x", "file", 1) is FAULTS["mid-500"]
    assert rehearsal.fault("x", "file", 2) is None


def test_a_clip_with_faults_of_its_own_has_no_others() -> None:
    """And `running` among them takes the place of the polls."""
    rehearsal = Rehearsal(["500", "made-2=running:4"], polls=2)
    assert rehearsal.fault("made-1", "call", 1) is FAULTS["500"]
    running = [rehearsal.fault("made-2", "call", n) is FAULTS["running"] for n in range(1, 6)]
    assert running == [True] * 4 + [False]
    assert rehearsal.clips == {"made-2"}


def test_ids_choose_their_faults_where_they_may() -> None:
    """All parts but the last; ids that name none have the common ones."""
    free = Rehearsal(["400"], polls=0, by_id=True)
    assert free.fault("429_2.mid-404.500", "call", 2) is FAULTS["429"]
    assert free.fault("429_2.mid-404.500", "call", 3) is None
    assert free.fault("429_2.mid-404.500", "file", 9) is FAULTS["mid-404"]
    assert free.fault("my.song", "call", 1) is FAULTS["400"]
    assert free.fault("500", "call", 1) is FAULTS["400"]
    bound = Rehearsal([], polls=0)
    assert bound.fault("500.x", "call", 1) is None


@pytest.mark.parametrize("word", ["", "5000", "=500", "500:", "500:-1", "500:x", "a=b=c", "500:²"])
def test_what_is_no_fault_is_refused(word: str) -> None:
    """The message says how one is written and where they are listed."""
    with pytest.raises(InputError, match=r"expected \[CLIP=\]MODE\[:TIMES\]; midikit sandbox"):
        read_fault(word)


def test_a_fault_for_a_clip_that_is_not_there_is_refused() -> None:
    """Made-up clips beyond the last one too."""
    with (
        pytest.raises(InputError, match=r"there is no clip 'made-4'"),
        serve(clips=3, faults=["made-4=500"]),
    ):
        pass


def test_every_fault_says_in_a_short_line_what_it_does() -> None:
    """So that the list fits a terminal; every target is one of three."""
    assert all(fault.tells and len(fault.tells) < 120 for fault in FAULTS.values())
    assert {fault.target for fault in FAULTS.values()} == {"call", "address", "file"}


def test_flaky_is_the_same_for_a_seed_and_gets_well() -> None:
    """Three safe faults, none after the fifth call, another order for another seed."""

    def statuses(seed: int) -> dict[str, list[int]]:
        with serve(clips=40, polls=0, faults=["flaky"], seed=seed) as running:
            found = {}
            for clip_id in running.clips:
                replies = [running.call(clip_id) for _ in range(6)]
                found[clip_id] = [reply.status for reply in replies if reply is not None]
            assert all(account.net == 1 for account in running.ledger.accounts.values())
        return found

    first = statuses(1)
    assert first == statuses(1) != statuses(2)
    assert {status for row in first.values() for status in row} == {200, 429, 503, 504}
    assert {row[-1] for row in first.values()} == {200}
    assert all(504 not in row[2:] for row in first.values())


# The ledger


@pytest.mark.parametrize(
    ("repeat", "poll", "charged"),
    [(False, False, 1), (True, False, 2), (False, True, 3), (True, True, 4)],
)
def test_what_a_ledger_charges(repeat: bool, poll: bool, charged: int) -> None:
    """Running twice, delivered, delivered again."""
    ledger = Ledger(repeat_charges=repeat, poll_charges=poll)
    for charge in ("running", "running", "credit", "credit"):
        ledger.begin("x")
        ledger.settle("x", charge)
    assert ledger.account("x").charged == charged


def test_a_refund_gives_back_what_was_charged_once() -> None:
    """And the next call is charged again, whatever repeats cost."""
    ledger = Ledger()
    for charge in ("refunded", "refunded", "nothing", "credit"):
        ledger.settle("x", charge)
    account = ledger.account("x")
    assert (account.charged, account.refunded, account.net) == (3, 2, 1)
    running = Ledger()
    running.settle("x", "running")
    running.settle("x", "refunded")
    assert running.account("x").net == 0


def test_the_ledger_is_shown_over_http() -> None:
    """Totals, what the hosts saw, and an account a clip; asking for it is no visit."""
    with serve(polls=0, clips=3, faults=["made-2=url-canary", "made-3=504-refunded"]) as running:
        for clip_id in running.clips:
            call(running, clip_id)
        request = urllib.request.Request(running.midi_url("made-1"), headers={"Cookie": "a=b"})
        for _ in range(2):
            assert urllib.request.urlopen(request).read() == made_midi("made-1")
        where = json.loads(call(running, "made-2")[2])["data"]["midi_url"]
        urllib.request.urlopen(urllib.request.Request(where, b"body", {"X-Own": "1"})).read()
        seen = shown(running.ledger_url)
        accounts = shown(f"{running.ledger_url}/clips")
        assert seen == shown(running.ledger_url) == json.loads(json.dumps(running.ledger.as_json()))
    assert seen["totals"] == {
        "clips": 3,
        "posts": 4,
        "charged": 3,
        "refunded": 1,
        "net": 2,
        "delivered": 3,
        "downloads": 2,
        "canary": 1,
        "most_at_once": 1,
    }
    (visit,) = seen["hosted"]
    assert (visit["method"], visit["path"], visit["times"]) == ("GET", "/files/*.mid", 2)
    assert ["cookie", "a=b"] in visit["headers"]
    (contact,) = seen["canary"]
    assert (contact["method"], contact["path"], contact["body"]) == ("POST", "/x.mid", "body")
    assert ["x-own", "1"] in contact["headers"]
    assert accounts["made-3"] == {
        "posts": 1,
        "charged": 1,
        "refunded": 1,
        "net": 0,
        "delivered": 0,
        "downloads": 0,
    }


def test_the_ledger_counts_exactly_from_many_threads() -> None:
    """A hundred thousand accounts are opened, counted and added up."""
    ledger = Ledger()

    def use(number: int) -> None:
        for clip in range(number, 100_000, 8):
            ledger.begin(f"made-{clip}")
            ledger.settle(f"made-{clip}", "credit")
            ledger.end(f"made-{clip}", delivered=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    totals = ledger.totals()
    assert (totals["clips"], totals["net"], totals["delivered"]) == (100_000,) * 3
    assert totals["most_at_once"] <= 8


# Made-up clips


def test_made_up_clips_are_songs_of_their_own() -> None:
    """Answer and file hold the same sixteen notes, other ones for another clip."""
    song = read_json(made_answer("made-1", "https://cdn.example/x.mid"))
    hosted = read_midi(made_midi("made-1"))
    assert [track.name for track in song] == [track.name for track in hosted]
    for ours, theirs in zip(song, hosted, strict=True):
        assert ours.notes.tolist() == theirs.notes.tolist()
    assert song.note_count == 16
    assert not hosted.repairs
    assert made_midi("made-2") != made_midi("made-1")
    assert b"midi_url" not in made_answer("made-1", None)


@pytest.mark.parametrize("word", ["made-0", "made-01", "made-", "made-1x", "1", "MADE-1", "made-²"])
def test_other_ids_are_no_made_up_clip(word: str) -> None:
    """One clip has one id."""
    assert made_number(word) is None
    assert made_number(made_id(123)) == 123


def test_any_clip_is_answered_where_that_is_asked_for(sandbox: Sandbox) -> None:
    """Except ids that no file could be named after."""
    assert call(sandbox, "29fc9d9e-a550-47d9-bfd2-6640a4025acc")[0] == 200
    assert call(sandbox, "../x")[0] == 400
    with serve(clips=1, polls=0) as running:
        assert running.clips == ("made-1",)
        assert call(running, "made-2")[0] == 400
        assert running.ledger.totals()["posts"] == 0


def test_it_closes_while_a_fault_is_under_way() -> None:
    """Calls that hang, drip or wait end with it."""
    with serve(clips=3, polls=0, faults=["made-1=timeout-charged", "made-2=drip"]) as running:
        threads = [
            threading.Thread(target=call_and_ignore, args=(running, clip_id))
            for clip_id in running.clips
        ]
        for thread in threads:
            thread.start()
        while running.ledger.totals()["posts"] < 3:
            time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 3
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def call_and_ignore(sandbox: Sandbox, clip_id: str) -> None:
    """Call for a clip, whatever comes of it."""
    with contextlib.suppress(OSError):
        raw(sandbox, clip_id)
