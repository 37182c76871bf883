"""The public figures: what is asked for, what becomes of it, and over which time it is drawn."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import ClientSession

from exporter.live.public import DRAWN, FIGURES, NOTHING, SERIES, SINCE, STATUS, Asking, Public
from exporter.live.published import PublicView, Published
from tests.builders import T0
from tests.live.standin import Standin, standin

DAY = 86_400


@pytest.fixture
async def server() -> AsyncIterator[Standin]:
    """A Prometheus that has recorded all of it for three days."""
    async with standin() as running:
        running.series = {figure.series: [({}, 0.5)] for figure in FIGURES.values()}
        running.series[SINCE] = [({}, T0 - 3 * DAY)]
        running.series[STATUS] = [({"exchange": "beta"}, 3), ({"exchange": "alpha"}, 0)]
        yield running


@pytest.fixture
async def ask(server: Standin) -> AsyncIterator[Callable[..., Any]]:
    """Asks it, at a time after T0."""
    now = [T0]
    asking = Asking(lambda: now[0])
    async with ClientSession(f"{server.url}/") as session:

        async def at(seconds: float = 0.0) -> Public:
            now[0] = T0 + seconds
            return await asking.ask(session)

        yield at


async def test_figures_are_in_the_units_of_their_names(ask: Callable[..., Any]) -> None:
    """Shares become percent, seconds milliseconds or hours, levels words."""
    found = await ask()
    assert (found.volume_usd, found.pnl_percent, found.response_time_ms) == (0.5, 50, 500)
    assert found.compared_hours == pytest.approx(0.5 / 3600, abs=1e-4)
    assert found.exchanges == {"alpha": "healthy", "beta": "critical"}
    assert (found.since.timestamp(), found.timestamp.timestamp()) == (T0 - 3 * DAY, T0)
    assert found.missing == {}


@pytest.mark.parametrize(
    ("days", "points", "step"), [(0.01, 145, 600), (3, 169, 3600), (12, 181, 14_400), (99, 181, 14_400)]
)
async def test_the_history_is_as_long_as_what_is_recorded(
    server: Standin, ask: Callable[..., Any], days: float, points: int, step: int
) -> None:
    """A day, a week or thirty days, in steps that stay where they are while time passes."""
    server.series[SINCE] = [({}, T0 - days * DAY)]
    history = (await ask()).history
    assert (len(history.times), history.times[1] - history.times[0]) == (points, step)
    assert all(at % step == 0 for at in history.times)
    assert all(len(getattr(history, name)) == points for name in DRAWN)
    assert set(history.response_time_ms) == {500}


async def test_the_history_is_asked_for_only_once_there_is_more_of_it(server: Standin, ask: Callable[..., Any]) -> None:
    """Each look is one question, and two when there is another point to draw."""
    first = await ask()
    asked = len(server.asked)
    again = await ask(1)
    assert (len(server.asked) - asked, again.history) == (1, first.history)
    later = await ask(3600)
    assert later.history.times[-1] == first.history.times[-1] + 3600


async def test_what_is_not_recorded_is_null_and_says_so(server: Standin, ask: Callable[..., Any]) -> None:
    """Also a figure that is no number."""
    del server.series[FIGURES["volume_usd"].series]
    server.series[FIGURES["pnl_percent"].series] = [({}, float("nan"))]
    found = await ask()
    assert (found.volume_usd, found.pnl_percent, set(found.history.pnl_percent)) == (None, None, {None})
    assert set(found.missing) == {"volume_usd", "pnl_percent"}


def test_nothing_known_is_all_null() -> None:
    """Every figure has a reason, and there is no time for which it would be so."""
    assert NOTHING.timestamp is None
    assert set(NOTHING.missing) == {*FIGURES, "since"}


async def test_no_series_is_asked_for_that_is_not_public(server: Standin, ask: Callable[..., Any]) -> None:
    """Neither for the present nor for the past; their names say what they are for."""
    server.says_all = True
    await ask()
    names = {name for query in server.queries for name in query[len('{__name__=~"') : -len('"}')].split("|")}
    assert names == set(SERIES)
    assert all(":public_" in name for name in SERIES)


async def test_the_stream_changes_only_with_what_it_says(server: Standin, ask: Callable[..., Any]) -> None:
    """Looking again is no news; a new value is, of the figures alone."""
    newest = await ask()
    published = Published(lambda: newest)
    view = PublicView(published)
    list(view.refresh())
    assert view.table.number == 2
    newest = await ask(1)
    list(view.refresh())
    assert view.table.number == 2
    server.series[FIGURES["volume_usd"].series] = [({}, 7.0)]
    newest = await ask(2)
    list(view.refresh())
    (item,) = view.table.since(2)
    assert json.loads(item.body)["volume_usd"] == 7
    assert json.loads(published.text)["volume_usd"] == 7
