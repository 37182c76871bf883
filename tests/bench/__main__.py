"""``make bench``: prints one line a figure: name, value, unit, target."""

from __future__ import annotations

from tests.bench import client, latency, push, quality, render, restart

if __name__ == "__main__":
    for measurement in (render, latency, push, client, restart, quality):
        for figure in measurement.measure():
            print(figure.line(), flush=True)
