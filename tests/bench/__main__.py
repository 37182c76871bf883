"""``make bench``: prints one line a figure: name, value, unit, target; ``ARGS=push`` measures that part alone."""

from __future__ import annotations

import argparse

from tests.bench import alerts, client, dashboards, latency, public, push, quality, render, restart, stream

_PARTS = {
    module.__name__.rpartition(".")[2]: module
    for module in (render, latency, push, client, restart, stream, public, quality, dashboards, alerts)
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("part", nargs="*", default=list(_PARTS), help=f"measure these alone: {', '.join(_PARTS)}")
    parts = parser.parse_args().part
    if unknown := sorted({*parts} - {*_PARTS}):
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(_PARTS)}")
    for part in parts:
        for figure in _PARTS[part].measure():
            print(figure.line(), flush=True)
