"""Rows and columns to places on Grafana's grid.

A dashboard is a list of sections, a section a list of lines, a line some panels of one height side by side.
Nobody writes a coordinate. On a phone Grafana stacks panels in the same order: line by line, left to right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count

from grafana import panels
from grafana.panels import Json, Panel, Place

COLUMNS = 24


class LayoutError(ValueError):
    """A line cannot be divided into whole columns."""


@dataclass(frozen=True, slots=True)
class Line:
    """Panels side by side: ``height`` in grid units of about 38 px, ``cells`` as (share of width, panel)."""

    height: int
    cells: tuple[tuple[int, Panel], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading; without a title there is no heading."""

    title: str
    lines: tuple[Line, ...]


def line(height: int, *cells: Panel | tuple[int, Panel]) -> Line:
    """Return a line whose panels share its width equally, or by the number given with each."""
    return Line(height, tuple(cell if isinstance(cell, tuple) else (1, cell) for cell in cells))


def arrange(sections: Sequence[Section]) -> list[Json]:
    """Return the panels of all sections as JSON, with ids from 1 and places on the grid."""
    numbers = count(1)
    placed: list[Json] = []
    y = 0
    for section in sections:
        if section.title:
            placed.append(panels.heading(section.title, next(numbers), Place(0, y, COLUMNS, 1)))
            y += 1
        for each in section.lines:
            placed += [panels.place(panel, next(numbers), where) for panel, where in _cells(each, y)]
            y += each.height
    return placed


def _cells(row: Line, y: int) -> Iterator[tuple[Panel, Place]]:
    whole = sum(share for share, _ in row.cells)
    if not row.cells or any(share * COLUMNS % whole for share, _ in row.cells):
        names = ", ".join(panel.title for _, panel in row.cells) or "no panels"
        message = f"a line of {COLUMNS} columns cannot be divided as asked among {names}"
        raise LayoutError(message)
    widths = [share * COLUMNS // whole for share, _ in row.cells]
    for (_, panel), width, right in zip(row.cells, widths, accumulate(widths), strict=True):
        yield panel, Place(right - width, y, width, row.height)
