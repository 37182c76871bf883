"""The text format, held against prometheus-client's parser and writer."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from exporter.exposition import Batch, Exposition
from exporter.metrics import Family, Kind
from exporter.state.histogram import Histogram

GAUGE = Family("trading_test_ratio", Kind.GAUGE, ("name",), "A gauge.")
PLAIN = Family("trading_test_total", Kind.COUNTER, (), "A counter.")
HISTOGRAM = Family("trading_test_seconds", Kind.HISTOGRAM, ("name",), "A histogram.", (0.1, 1.0))


async def render(exposition: Exposition, *batches: Batch) -> str:
    return "".join([part async for part in exposition.render(batches)])


def exposition(per_family: int = 1000, in_all: int = 1000) -> Exposition:
    return Exposition(per_family, in_all, defaultdict(int))


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_lines_are_as_the_format_wants_them() -> None:
    """Help, type, labels and value, for each kind of family."""
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value)
    text = await render(
        exposition(),
        (GAUGE, [(("a",), 0.5), (("b",), Decimal("1.25")), (("c",), True)]),
        (PLAIN, [((), 3)]),
        (HISTOGRAM, [(("a",), histogram)]),
    )
    assert text == (
        "# HELP trading_test_ratio A gauge.\n"
        "# TYPE trading_test_ratio gauge\n"
        'trading_test_ratio{name="a"} 0.5\n'
        'trading_test_ratio{name="b"} 1.25\n'
        'trading_test_ratio{name="c"} 1.0\n'
        "# HELP trading_test_total A counter.\n"
        "# TYPE trading_test_total counter\n"
        "trading_test_total 3\n"
        "# HELP trading_test_seconds A histogram.\n"
        "# TYPE trading_test_seconds histogram\n"
        'trading_test_seconds_bucket{name="a",le="0.1"} 2\n'
        'trading_test_seconds_bucket{name="a",le="1.0"} 3\n'
        'trading_test_seconds_bucket{name="a",le="+Inf"} 4\n'
        'trading_test_seconds_sum{name="a"} 7.65\n'
        'trading_test_seconds_count{name="a"} 4\n'
    )


@given(st.dictionaries(st.text(max_size=20), st.floats(), max_size=10))
async def test_any_label_and_number_survives(values: dict[str, float]) -> None:
    """Quotes, newlines, backslashes, infinities and NaN come out of the parser as they went in."""
    batch: Batch = (GAUGE, [((name,), value) for name, value in values.items()])
    read = samples(await render(exposition(), batch))
    assert len(read) == len(values)
    for name, value in values.items():
        got = read[GAUGE.name, (("name", name),)]
        assert got == value or (math.isnan(got) and math.isnan(value))


@given(st.lists(st.floats(min_value=0, max_value=10), max_size=50))
async def test_histograms_equal_those_of_prometheus_client(values: list[float]) -> None:
    """Buckets, sum and count are what the standard library of the field would write."""
    ours = Histogram(HISTOGRAM.buckets)
    for value in values:
        ours.observe(value)
    counts = [(bound, sum(value <= float(bound) for value in values)) for bound in ("0.1", "1.0", "+Inf")]

    class Theirs:
        def collect(self) -> Iterable[HistogramMetricFamily]:
            family = HistogramMetricFamily(HISTOGRAM.name, HISTOGRAM.help, labels=["name"])
            family.add_metric(["a"], [(bound, float(n)) for bound, n in counts], sum_value=ours.total)
            yield family

    registry = CollectorRegistry()
    registry.register(Theirs())
    expected = {(s.name, tuple(s.labels.items())): s.value for family in registry.collect() for s in family.samples}
    assert samples(await render(exposition(), (HISTOGRAM, [(("a",), ours)]))) == expected


async def test_a_vanished_series_is_gone_at_the_next_scrape() -> None:
    """What a collector does not give any more has no ghost."""
    writer = exposition()
    await render(writer, (GAUGE, [(("a",), 1), (("b",), 2)]), (PLAIN, [((), 1)]))
    text = await render(writer, (GAUGE, [(("b",), 3)]))
    assert samples(text) == {(GAUGE.name, (("name", "b"),)): 3}


async def test_series_beyond_a_familys_limit_are_counted_not_written() -> None:
    """The first ones stay, the rest is dropped and counted, at every scrape."""
    dropped: defaultdict[str, int] = defaultdict(int)
    writer = Exposition(2, 1000, dropped)
    for scrape in (1, 2):
        text = await render(writer, (GAUGE, [((str(n),), n) for n in range(5)]), (PLAIN, [((), 1)]))
        assert [labels for name, labels in samples(text) if name == GAUGE.name] == [(("name", "0"),), (("name", "1"),)]
        assert dropped == {GAUGE.name: 3 * scrape}


async def test_the_limit_over_all_families_holds() -> None:
    """A scrape never has more series than allowed in all."""
    dropped: defaultdict[str, int] = defaultdict(int)
    writer = Exposition(1000, 1500, dropped)  # 1,000 gauges leave room for 100 histograms of five lines
    text = await render(
        writer,
        (GAUGE, [((str(n),), n) for n in range(1000)]),
        (HISTOGRAM, [((str(n),), Histogram((0.1, 1.0))) for n in range(900)]),
    )
    names = [line.partition("{")[0] for line in text.splitlines() if not line.startswith("#")]
    assert names.count(GAUGE.name) == 1000
    assert names.count(f"{HISTOGRAM.name}_count") == 100
    assert dropped == {HISTOGRAM.name: 800}


async def test_a_wrong_number_of_labels_is_an_error() -> None:
    """A collector that forgets a label is found out, rather than writing a broken line."""
    with pytest.raises(ValueError, match="trading_test_ratio has the labels"):
        await render(exposition(), (GAUGE, [(("a", "b"), 1)]))
