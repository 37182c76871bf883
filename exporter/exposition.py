"""Writes metric families in Prometheus' text format 0.0.4, fast enough to do at every scrape.

Label text is built once for each series and kept while the series lives; a scrape then only joins it
with numbers. Rendering gives the event loop a turn after every thousand samples.
Format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from decimal import Decimal
from itertools import islice

from exporter.metrics import Family, Kind
from exporter.state.histogram import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LabelValues = tuple[str, ...]
Value = float | Decimal | Histogram
Sample = tuple[LabelValues, Value]
Batch = tuple[Family, Iterable[Sample]]

_CHUNK = 1000
_SPECIAL = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


class Exposition:
    """Turns batches of samples into text and keeps the number of series within bounds.

    ``per_family`` bounds the label sets of each family, and ``in_all`` the lines of a whole scrape, of which
    a histogram has one for each bucket and three more. What is beyond is left out and counted in ``dropped``.
    """

    def __init__(self, per_family: int, in_all: int, dropped: defaultdict[str, int]) -> None:
        self._per_family = per_family
        self._in_all = in_all
        self._dropped = dropped
        self._texts: dict[str, dict[LabelValues, tuple[str, ...]]] = {}

    async def render(self, batches: Iterable[Batch]) -> AsyncIterator[str]:
        """The text of a scrape in pieces; a family must come in one batch."""
        room = self._in_all
        for family, samples in batches:
            yield f"# HELP {family.name} {_escape_help(family.help)}\n# TYPE {family.name} {family.kind}\n"
            texts = self._texts.setdefault(family.name, {})
            lines = len(family.buckets) + 3 if family.kind is Kind.HISTOGRAM else 1
            written, remaining = 0, iter(samples)
            while chunk := list(islice(remaining, _CHUNK)):
                kept = chunk[: max(0, min(self._per_family - written, room // lines))]
                if len(kept) < len(chunk):
                    self._dropped[family.name] += len(chunk) - len(kept)
                room -= len(kept) * lines
                written += len(kept)
                yield _lines(family, kept, texts)
                await asyncio.sleep(0)
            if written < len(texts):
                texts.clear()  # a series has gone; the text of the others is built again at the next scrape


def _lines(family: Family, samples: list[Sample], known: dict[LabelValues, tuple[str, ...]]) -> str:
    """The lines of some samples; the label text of new series is noted in ``known``."""
    parts: list[str] = []
    for labels, value in samples:
        texts = known.get(labels)
        if texts is None:
            texts = known[labels] = _texts(family, labels)
        kind = type(value)
        if kind is float or kind is int:  # most samples; spelled out here because each call counts
            number = repr(value)
            parts.append(f"{texts[0]}{number if number[-1] not in 'fn' else _SPECIAL[number]}\n")
        elif kind is Decimal:
            parts.append(f"{texts[0]}{value}\n")  # every digit; Prometheus rounds once, when it reads
        elif isinstance(value, Histogram):
            parts.extend(_histogram_lines(texts, value))
        else:
            parts.append(f"{texts[0]}{_number(value)}\n")
    return "".join(parts)


def _histogram_lines(texts: tuple[str, ...], histogram: Histogram) -> Iterator[str]:
    cumulated = 0
    for text, count in zip(texts, histogram.counts, strict=False):
        cumulated += count
        yield f"{text}{cumulated}\n"
    yield f"{texts[-2]}{_number(histogram.total)}\n"
    yield f"{texts[-1]}{cumulated}\n"


def _texts(family: Family, labels: LabelValues) -> tuple[str, ...]:
    """What stands before the number on each line of a series, the blank included."""
    if len(labels) != len(family.labels):
        raise ValueError(f"{family.name} has the labels {family.labels}, not {len(labels)} of them: {labels}")
    pairs = [f'{name}="{_escape(value)}"' for name, value in zip(family.labels, labels, strict=True)]
    if family.kind is not Kind.HISTOGRAM:
        return (_line_start(family.name, pairs),)
    bounds = [*(_number(bound) for bound in family.buckets), "+Inf"]
    buckets = [_line_start(f"{family.name}_bucket", [*pairs, f'le="{bound}"']) for bound in bounds]
    return (*buckets, _line_start(f"{family.name}_sum", pairs), _line_start(f"{family.name}_count", pairs))


def _line_start(name: str, pairs: list[str]) -> str:
    return f"{name}{{{','.join(pairs)}}} " if pairs else f"{name} "


def _number(value: float | Decimal) -> str:
    text = repr(float(value))
    return _SPECIAL[text] if text[-1] in "fn" else text


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
