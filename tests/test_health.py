"""Back-off, and how a part of the exporter is said to be."""

from __future__ import annotations

import logging

import pytest

from exporter.health import Backoff, Health
from exporter.state.state import Component, State
from tests.builders import config


def test_delays_double_up_to_the_longest_and_start_again_after_a_success() -> None:
    """Each delay lies between half and all of 1, 2, 4, 8, 8 …, and a reset begins anew."""
    backoff = Backoff(first=1.0, longest=8.0)
    for nominal in (1, 2, 4, 8, 8, 8):
        assert nominal / 2 <= backoff.next() <= nominal
    backoff.reset()
    assert backoff.next() <= 1


def test_a_very_long_outage_does_not_overflow() -> None:
    """Thousands of attempts still give the longest delay."""
    backoff = Backoff()
    assert all(backoff.next() <= 30 for _ in range(5000))


def health(caplog: pytest.LogCaptureFixture, secrets: tuple[str, ...] = ()) -> tuple[Health, Component]:
    caplog.set_level(logging.INFO)
    state = State(config())
    return Health("cache/a", state, secrets), state.components["cache/a"]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("cache/a")]


def test_a_failure_is_logged_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    """Not at each retry, whatever the reason is by then, which the component says."""
    part, component = health(caplog)
    part.works()
    assert said(caplog) == []
    for problem in ("no connection", "wrong password"):
        part.failed(problem, "network")
        assert (component.up, component.detail) == (False, f"network: {problem}")
    part.works("on one leg")
    assert (component.up, component.detail) == (True, "on one leg")
    assert said(caplog) == ["cache/a failed, retrying", "cache/a works again"]


def test_what_nobody_can_tell_is_neither_a_failure_nor_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """A part of which nothing is known is not down, and a failure of before goes on."""
    part, component = health(caplog)
    part.failed("gone")
    part.unknown("the broker is away")
    assert (component.up, component.detail) == (True, "unknown: the broker is away")
    part.failed("gone")
    part.works()
    assert said(caplog) == ["cache/a failed, retrying", "cache/a works again"]


def test_an_error_is_one_line_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """An error without words has its name."""
    part, component = health(caplog, ("hunter2",))
    part.failed(OSError("no\n  entry for hunter2"))
    assert component.detail == "no entry for ***"
    part.failed(TimeoutError())
    assert component.detail == "TimeoutError"
    assert "hunter2" not in caplog.text + str([vars(record) for record in caplog.records])
