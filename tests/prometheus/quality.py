"""How good the alerts are: the committed rules on worlds that they were not tuned on (docs/alert-quality.md).

``python -m tests.prometheus.quality`` plays worlds of eight days through ``promtool test rules`` and prints which
incidents were caught, how soon, and how many false alarms a day there were. promtool has no command that says when
alerts fired; but a test that expects nothing names what it found instead.
"""

from __future__ import annotations

import argparse
import logging
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from simulator.stack import find_binary
from tests.bench.figure import Figure, quantile
from tests.prometheus.rules import FOLDER, RULE_FILES, alerts, expressions, recorded, selectors
from tests.prometheus.worlds import DAY, DAYS, KINDS, STEP, WARM, Incident, Series, World, world

EVALUATED = 60  # seconds between two evaluations; the product's own 5 s would take twelve times as long
HELD_OUT = (2001, 2002, 2003, 2004)  # 1, 2 and 3 were looked at while scores and waits were chosen
INCIDENTS = len(KINDS)  # in each world, one of each kind
AFTERWARDS = 900  # an alert that begins so long after an incident is still about it
_ALWAYS = {"TradingWatchdog"}
_FOUND = re.compile(r"time: (\w+),|(\{[^}]*\}) [0-9]")
_UNITS = {"w": 7 * DAY, "d": DAY, "h": 3600, "m": 60, "s": 1}
_EXPRESSION = 'count by (alertname, exchange, severity, resource, slo) (ALERTS{alertstate="firing"})'


@dataclass(frozen=True)
class Alarm:
    """An alert that fired without a break."""

    alert: str
    labels: str
    begin: int
    end: int


@dataclass(frozen=True)
class Result:
    """An incident, and the seconds until the first alert that tells it, or None."""

    incident: Incident
    delay: int | None


def measure(seeds: Sequence[int] = HELD_OUT) -> Iterator[Figure]:
    """The worlds that the rules were not tuned on."""
    yield from _figures(*judge(seeds), len(seeds) * (DAYS - WARM / DAY))


def _figures(results: list[Result], false: list[Alarm], days: float) -> Iterator[Figure]:
    caught = [result.delay for result in results if result.delay is not None]
    yield Figure("alerts: incidents in the worlds", len(results), "", "30")
    yield Figure("alerts: share of incidents that were told", 100 * len(caught) / len(results), "%", "95")
    yield Figure("alerts: time until told, median", quantile(caught, 0.5), "s", "")
    yield Figure("alerts: time until told, 95 of 100", quantile(caught, 0.95), "s", "")
    yield Figure("alerts: false alarms", len(false) / days, "a day", "1")


def judge(seeds: Sequence[int]) -> tuple[list[Result], list[Alarm]]:
    """Give what became of each incident, and the alarms that none of them explains."""
    logging.getLogger("exporter").setLevel(logging.ERROR)  # that these worlds keep nothing on disk is no news
    results: list[Result] = []
    false: list[Alarm] = []
    with ThreadPoolExecutor(2) as pool:
        for made, alarms in pool.map(_played, seeds):
            results += [Result(incident, _delay(incident, alarms)) for incident in made.incidents]
            false += [alarm for alarm in alarms if alarm.begin >= WARM and not _explained(alarm, made.incidents)]
    return results, false


def _played(seed: int) -> tuple[World, list[Alarm]]:
    made = world(seed, INCIDENTS)
    return made, play(made.series)


def _delay(incident: Incident, alarms: list[Alarm]) -> int | None:
    wanted = KINDS[incident.kind].alerts
    begins = [
        alarm.begin - incident.begin
        for alarm in alarms
        if alarm.alert in wanted and incident.begin <= alarm.begin <= incident.end + AFTERWARDS // 3
        if not incident.where or f'exchange="{incident.where}"' in alarm.labels
    ]
    return min(begins, default=None)


def _explained(alarm: Alarm, incidents: list[Incident]) -> bool:
    return any(incident.begin <= alarm.begin <= incident.end + AFTERWARDS for incident in incidents)


def play(series: Series) -> list[Alarm]:
    """Give what the committed rules make of the series."""
    groups = list(_groups())
    length = STEP * len(next(iter(series.values())))
    times = range(EVALUATED, length, EVALUATED)
    test = {
        "interval": f"{STEP}s",
        "input_series": [{"series": name, "values": _values(values)} for name, values in series.items()],
        "promql_expr_test": [{"expr": _EXPRESSION, "eval_time": f"{at}s", "exp_samples": []} for at in times],
    }
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{EVALUATED}s",
        "group_eval_order": [group["name"] for group in groups],
        "tests": [test],
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
        file = Path(folder, "world.yml")
        with file.open("w") as out:
            yaml.dump(document, out, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), width=1_000_000)
        command = [str(find_binary("promtool")), "test", "rules", str(file)]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if "expr:" not in done.stdout + done.stderr:
        sys.exit(f"promtool did not run the test: {done.stdout[:2000]}{done.stderr[:2000]}")
    return list(_alarms(_firing(done.stdout + done.stderr)))


def _groups() -> Iterator[dict[str, Any]]:
    """The committed groups, without what no alert depends on: recording rules first, and first what others read.

    promtool evaluates in this order.
    """
    first = ("app", "caches", "exchange", "host", "trading", "quality")
    paths = sorted(RULE_FILES, key=lambda path: (path.parent.name == "alerts", path.stem not in first, path))
    needed = _needed()
    for path in paths:
        for group in yaml.safe_load(path.read_text())["groups"]:
            rules = [rule for rule in group["rules"] if rule.get("record", rule.get("alert")) in needed]
            if rules:
                yield {"name": group["name"], "rules": rules}


def _needed() -> set[str]:
    """The names of the alerts, and of all recorded series that they read, directly or not."""
    read = {rule["record"]: set[str]() for rule in recorded()}
    for rule in recorded():
        read[rule["record"]] |= {selector.metric for selector in selectors(rule["expr"])}
    found = {rule["alert"] for rule in alerts()}
    open_ends = {
        selector.metric for rule in alerts() for expression in expressions(rule) for selector in selectors(expression)
    }
    while open_ends:
        found |= open_ends
        open_ends = {name for metric in open_ends for name in read.get(metric, ())} - found
    return found


def _values(values: list[float]) -> str:
    """A series in promtool's notation, in which what repeats is short."""
    parts = []
    for value, run in groupby(values):
        times = len(list(run))
        parts.append(f"{value:.12g}x{times - 1}" if times > 1 else f"{value:.12g}")
    return " ".join(parts)


def _firing(output: str) -> dict[str, list[int]]:
    """The times, in order, at which each alert was firing."""
    times: dict[str, list[int]] = defaultdict(list)
    at = 0
    for match in _FOUND.finditer(output):
        duration, labels = match.groups()
        if labels is None:
            at = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([wdhms])", duration))
        else:
            times[labels].append(at)
    return times


def _alarms(times: dict[str, list[int]]) -> Iterator[Alarm]:
    for labels, seen in times.items():
        alert = re.findall(r'alertname="(\w+)"', labels)[0]
        if alert in _ALWAYS:
            continue
        begin = last = seen[0]
        for at in seen[1:]:
            if at - last > EVALUATED:
                yield Alarm(alert, labels, begin, last)
                begin = at
            last = at
        yield Alarm(alert, labels, begin, last)


def report(seeds: Sequence[int]) -> Iterator[str]:
    """By kind: how many, how many of them told and how soon; then what was missed, and the false alarms."""
    results, false = judge(seeds)
    yield f"{'kind':<44} {'told':>8} {'median':>8}"
    for kind in KINDS:
        delays = [result.delay for result in results if result.incident.kind == kind]
        told = sorted(delay for delay in delays if delay is not None)
        middle = f"{told[len(told) // 2]} s" if told else ""
        yield f"{kind:<44} {f'{len(told)} of {len(delays)}':>8} {middle:>8}"
    for result in results:
        if result.delay is None:
            yield f"missed: {result.incident}"
    for alarm in false:
        yield f"false: {alarm.labels} from {alarm.begin} to {alarm.end} s"
    for figure in _figures(results, false, len(seeds) * (DAYS - WARM / DAY)):
        yield figure.line()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", nargs="*", type=int, default=HELD_OUT, help="seeds of worlds; else the held-out ones")
    chosen = parser.parse_args().seed
    for line in report(chosen):
        print(line, flush=True)
