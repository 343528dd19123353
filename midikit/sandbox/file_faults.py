"""What may go wrong with a hosted .mid: where the answer says it is, and what comes from there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from midikit.sandbox.faults import FOREVER, Call, Fault, Made, sends
from midikit.sandbox.hostile import ADDRESSES
from midikit.sandbox.replies import Reply, bomb, page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from midikit.sandbox.replies import Manner

__all__ = ["ADDRESS_FAULTS", "FILES"]

_MIDI = "audio/midi"
_EXPIRED = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"


def _spoils(manner: Manner) -> Callable[[Call], Made]:
    """Send the good file in a bad manner."""
    return lambda call: (Reply(200, call.good(), kind=_MIDI, manner=manner), "nothing")


def _redirects(name: str) -> Callable[[Call], Made]:
    """Redirect to a hostile address."""
    return lambda call: (
        Reply(302, headers=(("Location", call.hostile(name)),), kind=_MIDI),
        "nothing",
    )


def _names(name: str) -> Callable[[Call], Made]:
    """Put a hostile address into the answer."""
    return lambda call: (Reply(200, call.hostile(name).encode()), "nothing")


def _echoes(call: Call) -> Made:
    """Put the token into the address, as careless services do."""
    url = f"{json.loads(call.good())['data']['midi_url']}?token={call.token}"
    return Reply(200, url.encode()), "nothing"


def _loops(call: Call) -> Made:
    """Redirect to the same file, for ever."""
    return Reply(302, headers=(("Location", f"{call.clip_id}.mid"),), kind=_MIDI), "nothing"


def _file(tells: str, make: Callable[[Call], Made], times: int = FOREVER) -> Fault:
    """Make a fault of the file."""
    return Fault(tells, make, times, target="file")


FILES: Mapping[str, Fault] = {
    "mid-403": _file(
        "the .mid: 403, expired",
        sends(Reply(403, _EXPIRED, kind="application/xml")),
    ),
    "mid-404": _file("the .mid: 404", sends(Reply(404, b"gone", kind="text/plain"))),
    "mid-500": _file("the .mid: 500 once", sends(page(500, "Internal Server Error")), 1),
    "mid-html": _file("the .mid: a web page with 200", sends(page(200, "Please log in"))),
    "mid-empty": _file("the .mid: nothing with 200", sends(Reply(200, kind=_MIDI))),
    "mid-cut": _file("the .mid: half of it", _spoils("cut")),
    "mid-reset": _file("the .mid: the connection is reset", _spoils("reset")),
    "mid-drip": _file("the .mid: a byte every fifth of a second", _spoils("drip")),
    "mid-stall": _file("the .mid: headers, then nothing", _spoils("stall")),
    "mid-hang": _file("the .mid: nothing at all", _spoils("hang")),
    "mid-endless": _file(
        "the .mid: bytes without an end",
        sends(Reply(200, b"MThd", kind=_MIDI, manner="endless")),
    ),
    "mid-bomb": _file(
        "the .mid: 200 MB packed into 194 kB",
        lambda _: (
            Reply(200, bomb(b"MThd"), (("Content-Encoding", "gzip"),), _MIDI),
            "nothing",
        ),
    ),
    "mid-loop": _file("the .mid: redirects to itself", _loops),
    **{
        f"mid-to-{name}": _file(f"the .mid: redirects there, see url-{name}", _redirects(name))
        for name in ADDRESSES
    },
}
"""The faults of hosted files by name."""

ADDRESS_FAULTS: Mapping[str, Fault] = {
    f"url-{name}": Fault(
        f"midi_url: {ascii(address)[1:-1]}",
        _names(name),
        FOREVER,
        target="address",
    )
    for name, address in ADDRESSES.items()
} | {
    "url-echo": Fault("midi_url: the right one, and the token", _echoes, FOREVER, target="address")
}
"""The faults of the ``midi_url`` by name: the body of the reply is the address."""
