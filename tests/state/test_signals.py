"""What the user's own systems tell, from the push endpoint to the scrape."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.state.signals.drift import Drift
from tests.builders import T0
from tests.web.pushing import Bot, lines, pushing, settings

WINDOW = 200
MODELS = {"models": {"reference": WINDOW, "window": WINDOW, "bins": 10}}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with pushing(settings(tmp_path) | MODELS) as running:
        yield running


def told(kind: str, /, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "ts": T0, **fields}


async def accepted(bot: Bot, *events: dict[str, Any]) -> None:
    """Push events of which each is new and good."""
    assert (await bot.push(lines(*events))).counts == (len(events), 0, 0)


async def test_requests_become_a_histogram_by_app_route_and_status(bot: Bot) -> None:
    """Each request counts in the bucket of its duration, apart by what answered and how."""
    request = {"app": "orders", "route": "/orders/{id}", "status": 200}
    answers = [told("request", **request, duration=seconds) for seconds in (0.09, 0.11, 0.11)]
    await accepted(bot, *answers, told("request", **request | {"status": 503}, duration=2))
    name, labels = "trading_app_request_duration_seconds", 'app="orders",route="/orders/{id}",status="200"'
    text = await bot.metrics()
    assert f'{name}_bucket{{{labels},le="0.1"}} 1\n' in text
    assert f'{name}_bucket{{{labels},le="0.2"}} 3\n' in text
    assert f"{name}_count{{{labels.replace('200', '503')}}} 1\n" in text


async def test_errors_of_a_route_are_counted_from_its_first_request_on(bot: Bot) -> None:
    """A route has a count of failures before anything fails; a status of 5xx is one, another is not."""
    request = {"app": "orders", "route": "/orders", "duration": 0.1}
    name, labels = "trading_app_request", 'app="orders",route="/orders"'
    await accepted(bot, told("request", **request, status=200), told("request", **request, status=499))
    text = await bot.metrics()
    assert f"{name}s_total{{{labels}}} 2\n" in text
    assert f"{name}_errors_total{{{labels}}} 0\n" in text
    await accepted(bot, told("request", **request, status=500), told("request", **request, status=599))
    text = await bot.metrics()
    assert f"{name}s_total{{{labels}}} 4\n" in text
    assert f"{name}_errors_total{{{labels}}} 2\n" in text


async def test_paths_in_place_of_their_patterns_are_refused_after_many(bot: Bot) -> None:
    """A label with no end of values is stopped, with words that say why; what is known goes on."""
    paths = [told("request", route=f"/orders/{number}", status=200, duration=0.1) for number in range(10_002)]
    reply = await bot.push(lines(*paths, paths[0]))
    assert reply.body["accepted"] == 10_001
    assert {error["field"] for error in reply.body["errors"]} == {"route"}
    assert "patterns of paths" in reply.body["errors"][0]["message"]


async def test_a_cache_tells_what_it_knows_and_nothing_else(bot: Bot) -> None:
    """Counters are as the cache has them; what it did not tell has no series, not a zero."""
    await accepted(bot, told("cache", cache="quotes", hits=912, misses=88, warmed_entries=100, warmed_hits=80))
    await accepted(bot, told("cache", cache="quotes", hits=1912, misses=90, warmed_entries=100, warmed_hits=81))
    text = await bot.metrics()
    assert 'trading_cache_hits_total{cache="quotes",tier="l1"} 1912.0\n' in text
    assert 'trading_cache_warmed_hits_total{cache="quotes",tier="l1"} 81.0\n' in text
    assert "trading_cache_evictions_total{" not in text
    assert "trading_cache_up{" not in text


async def test_outcomes_are_held_against_predictions(bot: Bot) -> None:
    """By id or as told, names as right or wrong, numbers by how far they were off; an unknown one is said to be."""
    await accepted(
        bot,
        told("prediction", model="side", value="up", prediction_id="1"),
        told("prediction", model="side", value="up", prediction_id="2"),
        told("outcome", model="side", value="up", prediction_id="1"),
        told("outcome", model="side", value="down", prediction_id="2"),
        told("outcome", model="side", value="down", prediction_id="2"),  # its prediction is spent
        told("outcome", model="side", value="down", predicted="down"),
        told("prediction", model="mid", value=1.5, prediction_id="1"),
        told("outcome", model="mid", value=1, prediction_id="1"),
        told("outcome", model="mid", value=-2, predicted=-1),
    )
    text = await bot.metrics()
    for outcome, count in (("correct", 2), ("wrong", 1), ("unmatched", 1)):
        assert f'trading_model_outcomes_total{{model="side",outcome="{outcome}"}} {count}\n' in text
    assert 'trading_model_errors_total{model="mid"} 2\n' in text
    assert 'trading_model_absolute_error_total{model="mid"} 1.5\n' in text
    assert 'trading_model_squared_error_total{model="mid"} 1.25\n' in text
    assert 'trading_model_errors_total{model="side"}' not in text


async def test_models_that_are_silent_longest_make_room(bot: Bot) -> None:
    """A model that is trained anew under a new name each time fills no memory; who still predicts is kept."""
    features = {f"f{number}": 0.5 for number in range(100)}
    for number in range(120):
        await accepted(
            bot,
            told("prediction", model=f"of-day-{number}", features=features),
            told("prediction", model="steady", value=1, features=features),
        )
    text = await bot.metrics()
    kept = {line.split('"')[1] for line in text.splitlines() if line.startswith("trading_model_predictions_total{")}
    assert kept == {"steady", *(f"of-day-{number}" for number in range(22, 120))}
    assert 'trading_model_predictions_total{model="steady"} 120\n' in text


async def test_a_number_beyond_all_measure_is_refused(bot: Bot) -> None:
    """Its square would make the sum infinite for ever."""
    reply = await bot.push(lines(told("outcome", model="m", value=0, predicted=1e200)))
    assert reply.body["errors"][0]["field"] == "predicted"
    assert "trading_model_squared_error_total{" not in await bot.metrics()


async def test_levels_and_sums_of_the_business(bot: Bot) -> None:
    """A level is the last that was told, increments add up, and what nobody tells is not there."""
    assert "trading_business_level{" not in await bot.metrics()
    await accepted(
        bot, told("business", name="active_users", value=1250), told("business", name="active_users", value=7)
    )
    for value in (12.5, 7.5):
        await accepted(bot, told("business", name="revenue_usd", value=value, kind="increment"))
    reply = await bot.push(lines(told("business", name="revenue_usd", value=-1, kind="increment")))
    assert reply.body["errors"][0]["message"].startswith("value is -1.0; an increment cannot be negative")
    text = await bot.metrics()
    assert 'trading_business_level{name="active_users"} 7.0\n' in text
    assert 'trading_business_sum_total{name="revenue_usd"} 20.0\n' in text


async def test_drift_shows_once_there_are_enough_values_and_the_world_changed(bot: Bot) -> None:
    """The index of a feature that stays is small, of one that moved large, and before that there is none."""
    drawn = random.Random(1)

    async def predictions(shift: float) -> None:
        features = [{"calm": drawn.gauss(0, 1), "moved": drawn.gauss(shift, 1)} for _ in range(WINDOW)]
        await accepted(bot, *(told("prediction", model="m", value=0.0, features=each) for each in features))

    await predictions(0)
    assert "trading_model_drift_psi{" not in await bot.metrics()
    await predictions(1.5)
    text = await bot.metrics()
    index = {
        line.split('feature="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith("trading_model_drift_psi{")
    }
    assert index.keys() == {"calm", "moved", "prediction"}
    assert index["calm"] < 0.1
    assert index["moved"] > 0.25
    assert index["prediction"] == 0.0


async def test_after_a_restart_the_same_reference_is_held_against(tmp_path: Path) -> None:
    """What a model was told before an orderly end is what later values are compared with."""
    config, drawn = settings(tmp_path) | MODELS, random.Random(3)
    for shift in (0, 3):
        async with pushing(config) as running:
            features = [{"moved": drawn.gauss(shift, 1)} for _ in range(WINDOW)]
            await accepted(running, *(told("prediction", model="m", features=each) for each in features))
            text = await running.metrics()
    index = [
        line for line in text.splitlines() if line.startswith('trading_model_drift_psi{model="m",feature="moved"}')
    ]
    assert float(index[0].rsplit(" ", 1)[1]) > 0.25


@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0])
def test_the_index_equals_an_independent_calculation(shift: float) -> None:
    """Shares of numpy's histogram in the same bins give the same index."""
    drawn = np.random.default_rng(5)
    before, now = drawn.normal(0, 1, 1000), drawn.normal(shift, 1, 500)
    drift = Drift(reference=1000, window=500, bins=10)
    for value in (*before, *drawn.normal(9, 1, 77), *now):  # those between are out of the window again
        drift.add(float(value))
    edges = np.concatenate(([-np.inf], np.sort(before)[[100 * i for i in range(1, 10)]], [np.inf]))
    expected, actual = (np.histogram(values, edges)[0] + 0.5 for values in (before, now))
    expected, actual = expected / expected.sum(), actual / actual.sum()
    assert drift.psi == pytest.approx(float(np.sum((actual - expected) * np.log(actual / expected))), rel=1e-12)


def test_names_are_a_bin_each_and_unknown_ones_share_one() -> None:
    """A class that the reference did not have counts as something else, whatever its name."""
    drift = Drift(reference=100, window=50, bins=10)
    for number in range(100):
        drift.add("up" if number % 2 else "down")
    for number in range(50):
        drift.add("up" if number < 25 else f"new-{number}")
    actual, expected = np.array([25.5, 0.5, 25.5]) / 51.5, np.array([50.5, 50.5, 0.5]) / 101.5
    assert drift.psi == pytest.approx(float(np.sum((actual - expected) * np.log(actual / expected))), rel=1e-12)


def test_a_reference_that_was_saved_is_gone_on_with() -> None:
    """After a restart the newest values are held against the same reference, half of one included."""
    drawn = random.Random(2)
    values = [drawn.gauss(0, 1) for _ in range(300)]
    for cut in (40, 100, 180):
        whole, first = Drift(100, 50, 5), Drift(100, 50, 5)
        for value in values[:cut]:
            first.add(value)
        second = Drift(100, 50, 5)
        second.load(first.save())
        for value in values:
            whole.add(value)
        for value in values[cut:]:
            second.add(value)
        assert second.psi == whole.psi
