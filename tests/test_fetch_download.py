"""The hosted .mid: which addresses are reached, and what is taken from them."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.errors import DownloadError, InputError, RemoteError
from midikit.fetch.download import MAX_MIDI_BYTES, download
from midikit.fetch.net.addresses import allowed_hosts, is_host, is_loopback, is_public, resolve
from midikit.fetch.net.body import Body

if TYPE_CHECKING:
    from collections.abc import Callable

MID = bytes.fromhex("4d546864000000060000000101e0 4d54726b0000000400ff2f00")
URL = "https://cdn.example/a.mid"
PUBLIC = "93.184.215.14"


class Host:
    """A host that counts who comes, behind a resolver that says what it is told."""

    def __init__(self, handler: Callable[[httpx.Request], httpx.Response] | None = None) -> None:
        self.handler = handler or (lambda _: httpx.Response(200, content=MID))
        self.urls: list[str] = []
        self.pins: list[object] = []
        self.asked: list[str] = []
        self.addresses: dict[str, list[str]] = {}
        self.pauses: list[float] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        self.pins.append(request.extensions["addresses"])
        return self.handler(request)

    def resolve(self, host: str, port: int, seconds: float) -> list[str]:
        self.asked.append(f"{host}:{port}")
        return self.addresses.get(host, [PUBLIC])

    def download(self, url: str = URL, **options: object) -> bytes:
        return download(
            url,
            allow_hosts=[str(entry) for entry in (options.get("allow"),) if entry],
            transport=httpx.MockTransport(self.handle),
            resolve=self.resolve,
            clock=lambda: sum(self.pauses),
            sleep=self.pauses.append,
        )


def redirect(to: str, status: int = 302) -> httpx.Response:
    """Point somewhere else."""
    return httpx.Response(status, headers={"location": to})


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x.mid",
        "https://127.8.9.10/x.mid",
        "https://[::1]/x.mid",
        "https://[::]/x.mid",
        "https://0.0.0.0/x.mid",
        "https://0/x.mid",
        "https://2130706433/x.mid",
        "https://0x7f.1/x.mid",
        "https://0x7f000001/x.mid",
        "https://0177.0.0.1/x.mid",
        "https://127.1/x.mid",
        "https://134744072/x.mid",
        "https://[::ffff:127.0.0.1]/x.mid",
        "https://[::ffff:8.8.8.8]/x.mid",
        "https://[::7f00:1]/x.mid",
        "https://[2002:7f00:1::]/x.mid",
        "https://[64:ff9b::7f00:1]/x.mid",
        "https://[fe80::1]/x.mid",
        "https://[fd00:ec2::254]/x.mid",
        "https://[ff02::1]/x.mid",
        "https://10.0.0.1/x.mid",
        "https://172.31.0.1/x.mid",
        "https://192.168.1.1/x.mid",
        "https://100.100.100.200/x.mid",
        "https://169.254.169.254/latest/meta-data",
        "https://168.63.129.16/x.mid",
        "https://224.0.0.1/x.mid",
        "https://255.255.255.255/x.mid",
        "https://user@cdn.example/x.mid",
        "https://cdn.example:secret@127.0.0.1/x.mid",
        "https://cdn.example\\@127.0.0.1/x.mid",
        "http://cdn.example/x.mid",
        "file:///etc/passwd",
        "ftp://cdn.example/x.mid",
        "gopher://cdn.example/x.mid",
        "https://",
        "https://cdn.example:99999/x.mid",
        "https://cdn.example/\r\nHost: other",
        "https://cdn .example/x.mid",
        "https://cdn%2eexample/x.mid",
        "https://[::1/x.mid",
        "https://" + "a" * 9000,
        "",
    ],
)
def test_what_must_not_be_reached_is_not_contacted(url: str) -> None:
    """Straight away and as the target of a redirect: no request is sent."""
    host = Host()
    with pytest.raises(DownloadError) as caught:
        host.download(url)
    assert host.urls == []
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()
    hop = Host(lambda _: redirect(url))
    with pytest.raises(DownloadError):
        hop.download()
    assert set(hop.urls) == {URL}


@pytest.mark.parametrize("url", ["//cdn.example/x.mid", "cdn.example/x.mid", "https:///x.mid"])
def test_half_an_address_is_none(url: str) -> None:
    """A redirect may say so little, an answer may not."""
    host = Host()
    with pytest.raises(DownloadError, match="expected https"):
        host.download(url)
    assert host.urls == []


def test_a_name_that_leads_inside_is_refused() -> None:
    """One private address among public ones is enough, and it is named."""
    host = Host()
    host.addresses["cdn.example"] = [PUBLIC, "10.1.2.3"]
    with pytest.raises(DownloadError, match=r"^https://cdn.example/a.mid: its address 10\.1\.2\.3"):
        host.download()
    assert host.urls == []


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """At every hop; the name is looked up once for each."""
    host = Host(
        lambda request: (
            httpx.Response(200, content=MID)
            if request.url.host == "other.example"
            else redirect("https://other.example:8443/b.mid")
        )
    )
    host.addresses["other.example"] = ["1.1.1.1", "2606:4700::1111"]
    assert host.download() == MID
    assert host.asked == ["cdn.example:443", "other.example:8443"]
    assert host.pins == [[PUBLIC], ["1.1.1.1", "2606:4700::1111"]]


def test_an_allowed_host_may_be_private_and_plain() -> None:
    """Exactly this host and port, for the sandbox and for tests."""
    assert Host().download("http://127.0.0.1:8080/a.mid", allow="127.0.0.1:8080") == MID
    for url in ("http://127.0.0.1:8081/a.mid", "http://localhost:8080/a.mid"):
        host = Host()
        with pytest.raises(DownloadError, match="MIDIKIT_ALLOW_HOSTS"):
            host.download(url, allow="127.0.0.1:8080")
        assert host.urls == []


def test_five_redirects_are_followed_and_no_more() -> None:
    """Relative ones count like others."""
    answers = iter([*(redirect(f"/{n}") for n in range(5)), httpx.Response(200, content=MID)])
    host = Host(lambda _: next(answers))
    assert host.download() == MID
    assert len(host.urls) == 6
    assert host.urls[1] == "https://cdn.example/0"
    endless = Host(lambda _: redirect("?again"))
    with pytest.raises(DownloadError, match="redirects more than 5 times"):
        endless.download()
    assert len(endless.urls) == 6


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>login</html>", "a web page"),
        (b'{"error": 1}', "JSON"),
        (b"", "empty"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "type 'WAVE'"),
        (b"x" * 200 + MID, "expected MThd within the first 128 bytes"),
        (gzip.compress(MID), "gzip"),
        (b"MThd", "cut short"),
    ],
)
def test_what_is_no_midi_file_is_refused(body: bytes, words: str) -> None:
    """A page saved as .mid helps nobody; the message says what it is."""
    host = Host(lambda _: httpx.Response(200, content=body))
    with pytest.raises(DownloadError, match=words):
        host.download()
    assert len(host.urls) == 1


@pytest.mark.parametrize(
    "body",
    [MID, b"junk" * 32 + MID, b"RIFF\x26\0\0\0RMIDdata\x1a\0\0\0" + MID, MID[:14] + b"damage"],
)
def test_what_read_midi_reads_is_taken_as_it_is(body: bytes) -> None:
    """Junk before the header, a RIFF around it, damage behind it: bytes stay bytes."""
    assert Host(lambda _: httpx.Response(200, content=body)).download() == body


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(MID)), ("deflate", zlib.compress(MID)), ("identity", MID)],
)
def test_an_encoding_nobody_asked_for_is_taken_off(encoding: str, body: bytes) -> None:
    """The usual ones; they were not asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        headers = {"content-encoding": encoding}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))

    assert Host(answer).download() == MID


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_an_endless_body_ends_at_sixteen_mebibytes(encoding: str) -> None:
    """Sent or inflated, and it is read no further than that."""
    zeros = b"\0" * (1 << 20)
    packed = gzip.compress(zeros * 200)
    taken: list[int] = []

    class Endless(httpx.SyncByteStream):
        def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204 - an iterator
            pieces = [packed[i : i + 4096] for i in range(0, len(packed), 4096)]
            for piece in pieces if encoding == "gzip" else [zeros] * 200:
                taken.append(len(piece))
                yield piece

    headers = {"content-encoding": encoding}
    host = Host(lambda _: httpx.Response(200, headers=headers, stream=Endless()))
    with pytest.raises(DownloadError, match="larger than 16,777,216 bytes"):
        host.download()
    assert sum(taken) <= 17 << 20
    assert MAX_MIDI_BYTES == 16 << 20


def test_a_passing_fault_is_tried_twice_more() -> None:
    """Downloads are free, and the file may be gone tomorrow."""
    answers = iter([httpx.Response(503), httpx.Response(200, content=MID)])
    host = Host(lambda _: next(answers))
    assert host.download() == MID
    down = Host(lambda _: httpx.Response(502))
    with pytest.raises(DownloadError, match="the host answered 502"):
        down.download()
    assert (len(down.urls), down.pauses) == (3, [0.5, 1.0])


def test_a_file_that_is_gone_is_asked_for_once() -> None:
    """404 says so, and the message says why that may be."""
    host = Host(lambda _: httpx.Response(404))
    with pytest.raises(DownloadError, match="answered 404; hosted files may be gone after 24 hour"):
        host.download(URL + "?signature=private-part")
    assert len(host.urls) == 1


def test_keys_in_an_address_are_not_shown() -> None:
    """The query of a signed address stays out of messages."""
    host = Host(lambda _: httpx.Response(404))
    with pytest.raises(DownloadError) as caught:
        host.download(URL + "?signature=private-part#private-part")
    assert "private-part" not in str(caught.value)


def test_a_resolver_that_knows_nothing_is_a_passing_fault() -> None:
    """It is asked again, and its words are in the message."""
    host = Host()

    def fail(name: str, port: int, seconds: float) -> list[str]:
        host.asked.append(name)
        raise OSError("no address of 'cdn.example'")

    with pytest.raises(DownloadError, match=r"no address of 'cdn\.example'"):
        download(URL, allow_hosts=(), resolve=fail, clock=lambda: 0.0, sleep=host.pauses.append)
    assert len(host.asked) == 3


def test_a_deadline_and_a_list_of_hosts_are_checked() -> None:
    """Mistakes of the caller are said before anything is sent."""
    with pytest.raises(InputError, match="deadline"):
        download(URL, deadline=0)
    with pytest.raises(RemoteError, match="expected host:port"):
        download(URL, allow_hosts=["cdn.example"])


def test_addresses_are_judged_one_by_one() -> None:
    """Public means given to the public internet; what is no address is not."""
    public = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "64:ff9b::101:101"]
    assert all(map(is_public, public))
    inside = ["", "x", "1.1.1", "192.0.0.192", "198.18.0.1", "203.0.113.1", "2001::1", "fec0::1"]
    inside += ["2001:db8::1", "3fff::1", "fe80::1%eth0", "64:ff9b::a00:1", "64:ff9b:1::101:101"]
    assert not any(map(is_public, inside))


def test_hosts_are_judged_by_how_they_are_written() -> None:
    """What one program takes for a name and another for an address is neither."""
    assert all(map(is_host, ["cdn.example", "a_b.c-d.example", "1.2.3.4", "::1", "4chan.example"]))
    odd = ["", "1", "1.2", "0x7f.1", "a.0x1", "1.2.3.4.", "a.b.5", "é.example", "a b", "a/b", "-a"]
    assert not any(map(is_host, odd))
    assert is_loopback("LOCALHOST")
    assert not is_loopback("localhost.example")


def test_allowed_hosts_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commas, spaces, brackets and capitals."""
    monkeypatch.setenv("MIDIKIT_ALLOW_HOSTS", " CDN.test:443, ,[::1]:80,")
    assert allowed_hosts() == {("cdn.test", 443), ("::1", 80)}
    for bad in ("x", "x:", "x:0", "x:65536", "x:a", ":80", "2130706433:80", "http://x:80"):
        with pytest.raises(RemoteError, match="MIDIKIT_ALLOW_HOSTS"):
            allowed_hosts([bad])


def test_the_resolver_waits_no_longer_than_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that is silent does not hold a deadline up."""
    import threading

    released = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: released.wait(10) and [])
    with pytest.raises(TimeoutError, match=r"no address of 'slow\.example' within 0\.05 s"):
        resolve("slow.example", 443, 0.05)
    released.set()
    with pytest.raises(OSError, match=r"no address of 'none\.example': there is no such host"):
        resolve("none.example", 443, 5.0)


def test_a_small_bomb_takes_no_memory() -> None:
    """One piece of 50 kB that would become 50 MB is inflated no further than its limit."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    body = Body("gzip", max_bytes=1000)
    bomb = bomb[:1000]
    tracemalloc.start()
    try:
        assert body.add(bomb)
        data, fault = body.decoded()
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(data), fault) == (1000, "larger than 1,000 bytes")
    assert peak_bytes < 1_000_000


JSON = b'{"code": 200, "data": {"instruments": []}}'
PACKED = gzip.compress(JSON)
_deflater = zlib.compressobj(wbits=-15)
RAW_DEFLATE = _deflater.compress(JSON) + _deflater.flush()


@pytest.mark.parametrize(
    ("encoding", "sent", "data", "fault"),
    [
        ("", JSON, JSON, ""),
        ("identity", PACKED, PACKED, ""),
        (" X-GZIP ", PACKED, JSON, ""),
        ("deflate", zlib.compress(JSON), JSON, ""),
        ("deflate", RAW_DEFLATE, JSON, ""),
        ("gzip", RAW_DEFLATE, JSON, ""),
        ("gzip", JSON, JSON, ""),
        ("deflate", JSON, JSON, ""),
        ("deflate", b"no zlib", b"no zlib", ""),
        ("gzip", PACKED + b"and more", JSON, ""),
        ("gzip", gzip.compress(JSON[:9]) + gzip.compress(JSON[9:]), JSON, ""),
        ("gzip", b"", b"", "cut short inside its gzip or deflate data"),
        ("gzip", PACKED[:-9], JSON, "cut short inside its gzip or deflate data"),
        ("br", JSON, JSON, "sent in an encoding that was not asked for"),
        ("gzip, gzip", PACKED, PACKED, "sent in an encoding that was not asked for"),
        ("deflate", RAW_DEFLATE[:-1], RAW_DEFLATE[:-1], ""),
    ],
)
def test_what_was_paid_for_is_handed_on(
    encoding: str, sent: bytes, data: bytes, fault: str
) -> None:
    """Whatever the label says: decoded where that works, else as it was sent."""
    body = Body(encoding, max_bytes=1000)
    for i in range(0, len(sent), 7):
        assert body.add(sent[i : i + 7])
    assert body.decoded() == (data, fault)
    assert (body.sent or data) == sent


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_of_what_is_too_large_the_beginning_is_kept(encoding: str) -> None:
    """A MiB of it, decoded or not, and it is said why."""
    whole = b"MThd" * (1 << 20)
    body = Body(encoding, max_bytes=3 << 20)
    sent = gzip.compress(whole) if encoding else whole
    for i in range(0, len(sent), 1 << 16):
        if not body.add(sent[i : i + (1 << 16)]):
            break
    assert body.decoded() == (whole[: 1 << 20], "larger than 3,145,728 bytes")


def test_damage_inside_gzip_leaves_what_came_before() -> None:
    """The bytes before the damage, and all bytes as they were sent."""
    noise = random.Random(5).randbytes(50_000)
    packed = bytearray(gzip.compress(JSON + noise))
    packed[40_000:40_100] = b"\xff" * 100
    body = Body("gzip", max_bytes=100_000)
    assert body.add(bytes(packed + b"x"))
    data, fault = body.decoded()
    if fault:
        assert fault == "damaged gzip or deflate data"
    assert data.startswith(JSON)
    assert body.sent == bytes(packed + b"x")


@given(st.sampled_from(["gzip", "deflate", "br", ""]), st.binary(max_size=200))
def test_no_body_is_lost(encoding: str, sent: bytes) -> None:
    """Any bytes under any label give bytes, bounded."""
    body = Body(encoding, max_bytes=100)
    body.add(sent)
    data, _ = body.decoded()
    assert len(data) <= 100
    assert (body.sent or data) == sent[:100]
    assert data or not sent or encoding != "br"
