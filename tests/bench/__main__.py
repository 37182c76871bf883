"""``make bench``: prints one line a figure: name, value, unit, target."""

from __future__ import annotations

from tests.bench import latency, render

if __name__ == "__main__":
    for measurement in (render, latency):
        for figure in measurement.measure():
            print(figure.line(), flush=True)
