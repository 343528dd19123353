"""Each row of the table of charges: what an answer means and what follows from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.errors import (
    AuthenticationError,
    ClipRefusedError,
    CreditsError,
    DeadlineError,
    MaintenanceError,
    NotSentError,
    RateLimitedError,
    RemoteError,
    TaskFailedError,
    UnknownOutcomeError,
)
from midikit.fetch.answers import Failure, Outcome, Reply, Verdict, classify, find_midi_url
from midikit.fetch.attempts import MAX_LIMITED, MAX_REFUNDED, MAX_UNSENT, Step, Tally, advance

NOTE = {"start": 0.0, "end": 0.5, "pitch": 60, "velocity": 0.8}
ANSWER = {"code": 200, "data": {"instruments": [{"name": "Piano", "notes": [NOTE]}]}}
RUNNING = {"code": 200, "data": {"state": "running"}}
HTML = b"<html><title>502 Bad Gateway</title><script>credits</script></html>"


def judge(status: int, body: Any, cut: str = "", **headers: str) -> Outcome:
    """Classify an answer written down in short."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(Reply(status, names, data, cut), wall_seconds=1e9)


def error(code: int, message: str = "") -> dict[str, Any]:
    """Write a refusal as the provider does."""
    return {"code": code, "message": message}


ROWS: list[tuple[int, Any, dict[str, str], Verdict, type[RemoteError]]] = [
    (200, ANSWER, {}, Verdict.DELIVERED, RemoteError),
    (201, ANSWER, {}, Verdict.DELIVERED, RemoteError),
    (200, {"data": {"instruments": []}}, {}, Verdict.DELIVERED, RemoteError),
    (200, b"\xef\xbb\xbf" + json.dumps(ANSWER).encode(), {}, Verdict.DELIVERED, RemoteError),
    (200, RUNNING, {}, Verdict.RUNNING, DeadlineError),
    (202, {"state": "pending"}, {}, Verdict.RUNNING, DeadlineError),
    (200, {"code": 200, "data": None}, {}, Verdict.RUNNING, DeadlineError),
    (200, {"code": 200, "data": {}}, {}, Verdict.RUNNING, DeadlineError),
    (200, {"data": {"state": "failed"}}, {}, Verdict.FAILED, TaskFailedError),
    (200, {"success": False, "message": "no"}, {}, Verdict.FAILED, TaskFailedError),
    (200, {"data": {"state": "dreaming"}}, {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (200, {"data": {"state": "complete"}}, {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (200, error(0, "?"), {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (200, {"code": None}, {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (200, HTML, {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (200, b"", {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (204, b"", {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (200, b"{" * 100_000, {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (302, b"", {"location": "https://x.example"}, Verdict.UNKNOWN, UnknownOutcomeError),
    (307, b"", {}, Verdict.UNKNOWN, UnknownOutcomeError),
    *(
        (code, error(code, "no"), {}, Verdict.REFUSED, ClipRefusedError)
        for code in (400, 404, 405, 409, 410, 422, 499)
    ),
    (401, error(401), {}, Verdict.STOPPED, AuthenticationError),
    (403, error(403, "Forbidden"), {}, Verdict.STOPPED, AuthenticationError),
    (403, HTML, {}, Verdict.STOPPED, AuthenticationError),
    (403, {"detail": [{"msg": "no active subscription"}]}, {}, Verdict.STOPPED, CreditsError),
    (403, b"The remaining credits are not enough.", {}, Verdict.STOPPED, CreditsError),
    (402, b"", {}, Verdict.STOPPED, CreditsError),
    (429, error(429, "not enough credits"), {"retry_after": "1"}, Verdict.STOPPED, CreditsError),
    (429, b"", {}, Verdict.LIMITED, RateLimitedError),
    (429, HTML, {"retry_after": "soon"}, Verdict.LIMITED, RateLimitedError),
    (430, error(430, "too fast"), {}, Verdict.LIMITED, RateLimitedError),
    (455, error(455, "maintenance"), {}, Verdict.STOPPED, MaintenanceError),
    (503, b"", {"retry_after": "1"}, Verdict.LIMITED, RateLimitedError),
    (503, b"", {"retry_after": "soon"}, Verdict.UNKNOWN, UnknownOutcomeError),
    *(
        (code, HTML, {}, Verdict.UNKNOWN, UnknownOutcomeError)
        for code in (500, 501, 502, 503, 504, 520)
    ),
    (500, error(500, "Internal Server Error."), {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (504, error(504), {}, Verdict.REFUNDED, TaskFailedError),
    (504, {"detail": "Credits were previously refunded."}, {}, Verdict.REFUNDED, TaskFailedError),
    (504, error(504, "Task failed due to timeout."), {}, Verdict.REFUNDED, TaskFailedError),
    *(
        (504, error(504, said), {}, Verdict.UNKNOWN, UnknownOutcomeError)
        for said in ("Gateway Time-out", "upstream request timeout", "504 GATEWAY_TIMEOUT nginx")
    ),
    (504, error(504, "gateway time-out, refunded"), {}, Verdict.REFUNDED, TaskFailedError),
    (504, {"message": "Endpoint timed out"}, {}, Verdict.UNKNOWN, UnknownOutcomeError),
    (504, error(504, "credits were not refunded"), {}, Verdict.UNKNOWN, UnknownOutcomeError),
]


@pytest.mark.parametrize(("status", "body", "headers", "verdict", "kind"), ROWS)
def test_every_row_of_the_table(
    status: int, body: Any, headers: dict[str, str], verdict: Verdict, kind: type[RemoteError]
) -> None:
    """An answer means what the table says, and ends in the exception it says."""
    outcome = judge(status, body, **headers)
    assert (outcome.verdict, outcome.error) == (verdict, kind)
    assert outcome.problem or verdict is Verdict.DELIVERED
    assert "\n" not in outcome.problem


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 429, 455, 500, 503, 504])
@pytest.mark.parametrize("written", [int, str])
def test_a_code_inside_200_counts_as_that_status(code: int, written: type) -> None:
    """HTTP 200 around a refusal is that refusal, with its header."""
    body = {"code": written(code), "message": "no", "data": None}
    inside = judge(200, body, retry_after="3")
    outside = judge(code, body, retry_after="3")
    assert inside == outside
    assert f"answered {code}: no" in inside.problem


def test_a_failure_before_sending_is_not_one_after_it() -> None:
    """Only what certainly did not leave is called not sent."""
    unsent = classify(Failure(sent=False, problem="no connection"), wall_seconds=0)
    sent = classify(Failure(sent=True, problem="reset"), wall_seconds=0)
    assert (unsent.verdict, unsent.error) == (Verdict.NOT_SENT, NotSentError)
    assert (sent.verdict, sent.error) == (Verdict.UNKNOWN, UnknownOutcomeError)
    assert sent.problem == "reset; it may have been charged and is not sent again by itself"


def test_a_cut_body_is_unknown_unless_its_json_is_whole() -> None:
    """What was paid for is delivered if all of it came, whatever the connection did then."""
    whole = json.dumps(ANSWER).encode()
    assert judge(200, whole, cut="cut short").verdict is Verdict.DELIVERED
    for end in (1, len(whole) // 2, len(whole) - 1):
        outcome = judge(200, whole[:end], cut="cut short")
        assert outcome.verdict is Verdict.UNKNOWN
        assert outcome.problem.startswith("the answer is cut short;")


def test_a_cut_body_gives_its_midi_url() -> None:
    """The hosted file of a broken answer is still known, unless its address is cut too."""
    fragment = b'{"code":200,"data":{"midi_url": "https:\\/\\/cdn.example\\/a.mid","instr'
    assert judge(200, fragment, cut="cut short").midi_url == "https://cdn.example/a.mid"
    assert find_midi_url(fragment[:50]) is None
    assert find_midi_url(b'{"midi_url": "file:///etc/passwd"}') is None
    assert find_midi_url(b'{"midi_url": "\\u12"}') is None


def test_the_providers_words_cannot_act() -> None:
    """A message from outside is escaped and of bounded length."""
    outcome = judge(400, error(400, "\x1b[2J\u202e" + "A" * 10_000))
    assert "\\x1b[2J\\u202e" in outcome.problem
    assert len(outcome.problem) < 400


@given(st.integers(100, 999), st.binary(max_size=60), st.text(max_size=20))
def test_anything_can_be_classified(status: int, body: bytes, header: str) -> None:
    """No status, body or header breaks the table, and only 2xx delivers."""
    outcome = classify(Reply(status, {"retry-after": header}, body), wall_seconds=1e9)
    assert outcome.verdict is not Verdict.DELIVERED or 200 <= status < 300


def play(*outcomes: Outcome, left: float = 300.0, jitter: float = 0.5) -> list[Step]:
    """Advance through outcomes until one ends it."""
    steps: list[Step] = []
    tally = Tally()
    for outcome in outcomes:
        step = advance(
            tally,
            outcome,
            clip_id="clip",
            took_seconds=0.1,
            left_seconds=left,
            deadline_seconds=300.0,
            jitter=jitter,
        )
        steps.append(step)
        if step.error or step.delivered:
            break
        tally = step.tally
    return steps


UNSENT = classify(Failure(sent=False, problem="no connection"), wall_seconds=0)
LIMITED = judge(429, b"{}")
REFUNDED = judge(504, error(504))
NOT_READY = judge(200, RUNNING)
DELIVERED = judge(200, ANSWER)


@pytest.mark.parametrize(
    ("outcome", "most", "kind"),
    [
        (UNSENT, MAX_UNSENT + 1, NotSentError),
        (LIMITED, MAX_LIMITED + 1, RateLimitedError),
        (REFUNDED, MAX_REFUNDED + 1, TaskFailedError),
        (judge(500, b""), 1, UnknownOutcomeError),
        (judge(400, b""), 1, ClipRefusedError),
        (judge(401, b""), 1, AuthenticationError),
        (judge(200, {"state": "failed"}), 1, TaskFailedError),
    ],
)
def test_calls_are_repeated_as_often_as_the_table_says(
    outcome: Outcome, most: int, kind: type[RemoteError]
) -> None:
    """The number of calls is exact, and the last one raises."""
    steps = play(*[outcome] * 100)
    assert len(steps) == most == steps[-1].tally.posts
    assert type(steps[-1].error) is kind
    assert steps[-1].error is not None
    assert steps[-1].error.clip_id == "clip"


def test_refunds_are_counted_over_the_whole_clip() -> None:
    """Other answers in between do not win another try."""
    steps = play(REFUNDED, NOT_READY, LIMITED, REFUNDED, NOT_READY, REFUNDED, DELIVERED)
    assert type(steps[-1].error) is TaskFailedError
    assert len(steps) == 6


def test_an_answer_ends_a_row_of_failed_connections() -> None:
    """A few bad seconds in a long wait are not added to others; the same for requests to wait."""
    for fault, most in ((UNSENT, MAX_UNSENT), (LIMITED, MAX_LIMITED)):
        steps = play(*([fault] * most + [NOT_READY]) * 5, DELIVERED)
        assert steps[-1].delivered
        assert steps[-1].tally.posts == 5 * (most + 1) + 1


def test_a_wait_beyond_the_deadline_says_when() -> None:
    """Nobody is kept waiting for what cannot come in time."""
    (step,) = play(judge(429, b"{}", retry_after="86400"))
    assert isinstance(step.error, RateLimitedError)
    assert step.error.retry_after == 86_400
    assert str(step.error) == (
        "clip clip: the provider answered 429; it asks to wait 24 h 0 min, until "
        "2001-09-10 01:46:40 UTC; only 5 min are left of the deadline's 5 min; nothing was "
        "charged for that, fetch it again later"
    )


def slow(outcome: Outcome, *, took: float, left: float, deadline: float = 300.0) -> Step:
    """Advance after a first call that took long."""
    return advance(
        Tally(),
        outcome,
        clip_id="clip",
        took_seconds=took,
        left_seconds=left,
        deadline_seconds=deadline,
        jitter=0.5,
    )


def test_one_slow_answer_does_not_end_a_clip() -> None:
    """With most of the deadline left another call is made; with little, what is left is told."""
    assert slow(NOT_READY, took=105, left=195).pause > 0
    assert slow(judge(429, b"{}", retry_after="1"), took=105, left=195).pause == 1.0
    assert slow(NOT_READY, took=8.5, left=11.5, deadline=20).pause > 0
    ended = slow(NOT_READY, took=205, left=95)
    assert type(ended.error) is DeadlineError
    assert "not finished after 4 min and 1 call: not ready yet" in str(ended.error)
    assert "95 s are left of the deadline, too little for another call" in str(ended.error)


def test_retry_after_is_waited_exactly() -> None:
    """A pause that was asked for is neither shortened nor spread."""
    (step,) = play(judge(503, b"", retry_after="7"), jitter=0.0)
    assert (step.pause, step.error) == (7.0, None)


@given(st.floats(0.01, 400), st.floats(0, 1), st.integers(0, 30))
def test_no_pause_outlasts_the_deadline(left: float, jitter: float, polls: int) -> None:
    """Whatever is left, the next call begins before the end of it."""
    for outcome in (NOT_READY, LIMITED, UNSENT, REFUNDED):
        step = advance(
            Tally(polls=polls),
            outcome,
            clip_id="",
            took_seconds=0.0,
            left_seconds=left,
            deadline_seconds=400.0,
            jitter=jitter,
        )
        assert step.error is not None or 0 < step.pause < left
