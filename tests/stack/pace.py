"""Days in minutes: the committed rules with all times divided, and a past for them.

A rule that waits for five minutes is tried in fifteen seconds when all that is a time in it is twenty times shorter,
and scrapes come each second. What PromQL and Prometheus take for a time is shortened: ranges, offsets, steps of
subqueries, `for`, `keep_firing_for`, `interval`. A number by which an expression multiplies stays, so that what is
counted "in an hour" by multiplying a rate by 3600 is too large by the factor; and ``mean5m`` stays a name.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from simulator.stack import find_binary

LEAST_INTERVAL = 1.0
"""Seconds between two evaluations, and between two scrapes."""

EACH_SECOND: Mapping[str, object] = {
    "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
}
"""What Prometheus's configuration needs for that."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_TIMES = rf"\[\s*{_DURATION}\s*(?::\s*(?:{_DURATION})?\s*)?\]|\boffset\s+-?{_DURATION}"
_STRING = r'"(?:[^"\\]|\\.)*"'

Rules = dict[str, Any]


def seconds(duration: str) -> float:
    """Give a duration such as ``23h30m`` in seconds."""
    if not re.fullmatch(_DURATION, duration):
        raise ValueError(f"{duration!r} is no duration; write for example 23h30m")
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))


def written(time: float) -> str:
    """Give seconds as Prometheus reads them."""
    return f"{max(1, round(time * 1000))}ms"


def quicker_expression(expression: str, factor: float) -> str:
    """Give an expression whose ranges, offsets and steps are `factor` times shorter; names and strings stay."""
    return re.sub(f"{_STRING}|{_TIMES}", lambda found: _quicker_part(found[0], factor), expression)


def quicker_rules(file: Rules, factor: float, longest_wait: float | None = None) -> Rules:
    """Give the content of a file of rules with all times `factor` times shorter.

    No `for` is longer than `longest_wait` seconds then.
    """
    return {**file, "groups": [_quicker_group(group, factor, longest_wait) for group in file["groups"]]}


def quicken(path: Path, factor: float, longest_wait: float | None = None) -> None:
    """Make the rules of a file quicker."""
    path.write_text(yaml.safe_dump(quicker_rules(yaml.safe_load(path.read_text()), factor, longest_wait)))


def without_intervals(path: Path) -> None:
    """Let all groups of a file be evaluated as often as the configuration says, whatever they say themselves."""
    file: Rules = yaml.safe_load(path.read_text())
    groups = [{key: value for key, value in group.items() if key != "interval"} for group in file["groups"]]
    path.write_text(yaml.safe_dump({**file, "groups": groups}))


def _quicker_group(group: Rules, factor: float, longest_wait: float | None) -> Rules:
    rules = [_quicker_rule(rule, factor, longest_wait) for rule in group["rules"]]
    if "interval" not in group:
        return {**group, "rules": rules}
    return {**group, "rules": rules, "interval": written(max(LEAST_INTERVAL, seconds(group["interval"]) / factor))}


def _quicker_rule(rule: Rules, factor: float, longest_wait: float | None) -> Rules:
    changed = {"expr": quicker_expression(rule["expr"], factor)}
    changed |= {key: written(seconds(rule[key]) / factor) for key in ("for", "keep_firing_for") if key in rule}
    if "for" in rule and longest_wait is not None:
        changed["for"] = written(min(longest_wait, seconds(rule["for"]) / factor))
    # A text may ask for figures of its own. It has quotes of several kinds around each other, and no ranges in them.
    texts = {
        name: re.sub(_TIMES, lambda found: _quicker_part(found[0], factor), text)
        for name, text in rule.get("annotations", {}).items()
    }
    return {**rule, **changed, **({"annotations": texts} if texts else {})}


def _quicker_part(part: str, factor: float) -> str:
    if part.startswith('"'):
        return part
    return re.sub(_DURATION, lambda found: written(seconds(found[0]) / factor), part)


def backfill(data: Path, series: Mapping[str, float], times: Iterable[float]) -> None:
    """Give Prometheus, before it starts, a past in which each series had one value at all these times."""
    moments = sorted(times)
    lines = [f"{name} {value!r} {ts:.3f}" for name, value in series.items() for ts in moments]
    data.mkdir(parents=True, exist_ok=True)
    text = data.parent / f"{data.name}.openmetrics"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    longest = "--max-block-duration=1000h"  # else a month is hundreds of blocks
    command = [str(find_binary("promtool")), "tsdb", "create-blocks-from", longest, "openmetrics", str(text), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
