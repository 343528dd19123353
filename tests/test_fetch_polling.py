"""Pauses, ``Retry-After`` and deadlines are arithmetic that nothing in the world can change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.errors import InputError
from midikit.fetch.polling import (
    LONGEST_PAUSE,
    Deadline,
    in_words,
    last_call_room,
    poll_pause,
    retry_pause,
    seconds_to_wait,
)

WALL = 784_108_800.0  # Sun, 06 Nov 1994 08:00:00 GMT
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
jitters = st.floats(0, 1)


@given(jitters)
def test_the_first_poll_comes_within_two_seconds(jitter: float) -> None:
    """A clip that is nearly ready is not made to wait."""
    assert 1.0 <= poll_pause(0, jitter) <= 2.0


@given(st.integers(0, 5), jitters, jitters)
def test_pauses_grow_whatever_the_jitter(polls: int, one: float, other: float) -> None:
    """Until they are twenty seconds, each pause is longer than the one before."""
    assert poll_pause(polls, one) < poll_pause(polls + 1, other) <= LONGEST_PAUSE == 20.0


@given(st.integers(6, 10**9), jitters)
def test_pauses_stay_at_their_longest(polls: int, jitter: float) -> None:
    """The millionth pause is no longer than the seventh, and overflows nothing."""
    assert 16.0 - 1e-9 <= poll_pause(polls, jitter) <= 20.0
    assert 10.0 <= retry_pause(polls, jitter) <= 20.0


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("0", None, 0.0),
        (" 120 ", None, 120.0),
        ("1.5", None, 1.5),
        ("86400", None, 86_400.0),
        ("9" * 40, None, 1e40),
        ("Sun, 06 Nov 1994 08:50:07 GMT", DATE, 30.0),
        ("Sunday, 06-Nov-94 08:50:07 GMT", DATE, 30.0),
        ("Sun Nov  6 08:50:07 1994", DATE, 30.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", DATE, 0.0),
        ("Sun, 06 Nov 1994 08:00:10 GMT", None, 10.0),
        ("Sun, 06 Nov 1994 08:00:10 GMT", "yesterday", 10.0),
    ],
)
def test_retry_after_is_read_in_every_form(header: str, date: str | None, seconds: float) -> None:
    """Seconds, three kinds of date against the answer's own clock, and the past is now."""
    assert seconds_to_wait(header, date, wall_seconds=WALL) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "junk",
    [None, "", "soon", "-5", "1e3", "٣", "0x10", "NaN", "1,2", "Sun, 99 Nov 1994", "9" * 100_000],
)
def test_junk_in_retry_after_says_nothing(junk: str | None) -> None:
    """What is no time is no time, and the schedule's own pause is used."""
    assert seconds_to_wait(junk, DATE, wall_seconds=WALL) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_breaks_the_reader(header: str, date: str) -> None:
    """Any two headers give seconds or nothing."""
    seconds = seconds_to_wait(header, date, wall_seconds=WALL)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 10**400, "5", None])
def test_a_deadline_is_a_number_of_seconds(seconds: float) -> None:
    """Nothing can wait for ever, and the message says what was given."""
    with pytest.raises(InputError, match=r"^deadline: got .*; expected seconds, more than 0$"):
        Deadline(0.0, seconds)


def test_a_deadline_counts_down_to_zero() -> None:
    """What is left is never negative."""
    limit = Deadline(50.0, 10.0)
    assert [limit.left(now) for now in (50.0, 57.5, 60.0, 99.0)] == [10.0, 2.5, 0.0, 0.0]


def test_the_last_call_gets_room_to_be_answered() -> None:
    """What a call needed and a margin; a short deadline loses little to it, none most of itself."""
    assert last_call_room(300, 0.1) == pytest.approx(2.1)
    assert last_call_room(4, 0.1) == pytest.approx(0.5)
    assert last_call_room(300, 30) == 32.0
    assert last_call_room(300, 200) == 100.0


def test_times_are_written_as_people_say_them() -> None:
    """Seconds, minutes, hours, days."""
    seconds = (0, 0.25, 119, 120, 3600, 7200, 90_000, 10 * 86_400, 1e12)
    assert [in_words(value) for value in seconds] == [
        "0 s",
        "0.25 s",
        "119 s",
        "2 min",
        "60 min",
        "2 h 0 min",
        "25 h 0 min",
        "10 days",
        "more than a year",
    ]
