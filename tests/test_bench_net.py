"""Short forms of ``tests.bench.net``: the fetcher in a process, the service in another."""

from __future__ import annotations

import base64
import os
import sys

import pytest

from midikit.sandbox import FAULTS
from tests.bench.net import batch, faults, interrupts, kills, leaks, urls
from tests.bench.net.fetching import Running, desk
from tests.bench.net.serving import TOKEN, serving

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="sends signals to groups")

_MODES = (
    *("fine", "reset-before", "reset-charged", "close-charged", "cut-body", "cut-chunked"),
    *("timeout-charged", "429", "429-bare", "500", "500-charged", "502-html", "503", "503-after"),
    *("504-refunded", "504-refunded_forever", "504-gateway", "400", "html-200", "not-json"),
    *("running_1.500", "failed", "redirect-307", "mid-404", "url-userinfo", "401", "429-credits"),
)


@pytest.mark.parametrize("repeat_charges", [True, False])
def test_faults_cost_what_the_table_says(repeat_charges: bool) -> None:
    """Calls, credits, what is listed as unknown, what permission changes."""
    modes = _MODES if repeat_charges else _MODES[:6]
    wrong = faults.measure(
        modes, repeat_charges=repeat_charges, deadline=4.0, unsent=repeat_charges
    )
    assert wrong == []


def test_the_table_names_real_faults() -> None:
    """A slip in a mode would be a clip without a fault, and a row that proves nothing."""
    for clip_id in faults.TABLE:
        for part in clip_id.split("."):
            assert part == "fine" or part.partition("_")[0] in FAULTS
    assert set(_MODES) <= {*faults.TABLE, *faults.STOPPING}


@posix_only
def test_kills_lose_and_repeat_nothing() -> None:
    """Two processes on the same clips, killed twice; every byte is there in the end."""
    figures = kills.measure(kills=2, procs=2, jobs=8, clips=60)
    assert figures["violations"] == []
    assert figures["kills_that_hit"] > 0


@posix_only
def test_interrupts_leave_nothing_unknown() -> None:
    """Ctrl-C three times; the batch runs to its end without any permission."""
    figures = interrupts.measure(times=3, jobs=8, deadline=10.0, seed=3)
    assert figures["violations"] == []
    assert figures["interrupts_that_hit"] > 0


@posix_only
def test_a_batch_is_delivered_in_spite_of_everything() -> None:
    """A flaky service, an interrupt, a resumption: as many credits as clips."""
    figures = batch.measure(clips=240, jobs=16, restarts=1)
    assert figures["violations"] == []
    assert figures["net_credits"] == 240


def test_no_hostile_address_is_followed_and_no_bomb_goes_off() -> None:
    """Every address and redirect; a bomb and a drip within memory and time."""
    figures = urls.measure(deadline=3.0, heavy=("mid-bomb", "mid-drip"))
    assert figures["violations"] == []
    assert figures["canary_contacts"] == 0


def test_the_token_is_nowhere() -> None:
    """Some scenarios of each kind."""
    names = {
        *("echo-401 by command", "url-echo by program", "echo-name by program"),
        *("all at once by async", "a line break in it", "in the base URL", "doctor"),
    }
    chosen = [each for each in leaks.SCENARIOS if each.name in names]
    assert len(chosen) == len(names)
    assert {each.by for each in chosen} == {"command", "program", "async", "doctor"}
    assert leaks.measure(chosen)["violations"] == []


def test_the_search_would_find_the_token() -> None:
    """In a stream, in a command line, and in base64 whatever stands before it."""
    told = f"import os, time; print(os.environ['MIDIKIT_TOKEN'][-8:]); time.sleep(0.2) # {TOKEN}"
    with serving() as endpoint, desk(endpoint) as at:
        done = Running([sys.executable, "-c", told], at.environment(), at.folder).wait(30)
    found = leaks.hits({"stdout": done.out, "argv": b"".join(done.lines)})
    assert "its last 8 characters in stdout" in found
    if os.path.exists("/proc/self/cmdline"):  # noqa: PTH110 - a file of the system
        assert "as it is in argv" in found
    for before in ("", "a", "ab", "user:", "a longer name:"):
        written = base64.b64encode(f"{before}{TOKEN}".encode())
        assert any("base64" in hit for hit in leaks.hits({"x": b"Basic " + written}))
    assert leaks.hits({"x": b"nothing"}) == []
