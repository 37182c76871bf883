"""Rows and columns become places on the grid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grafana import layout
from grafana.layout import COLUMNS, Line, Section, line
from grafana.panels import Panel, text

WIDTHS = (1, 2, 3, 4, 6, 8, 12, 24)


def _panel(title: str = "Words") -> Panel:
    return text(title, "A text.", "Hello")


def _lines() -> st.SearchStrategy[Line]:
    """Lines of one to eight panels whose widths are shares of a divisor of the grid."""
    cells = st.sampled_from(WIDTHS).flatmap(
        lambda count: st.lists(st.integers(1, count), min_size=1, max_size=count).map(
            lambda shares: _filled(shares, count)
        )
    )
    return st.builds(
        lambda height, shares: line(height, *((share, _panel()) for share in shares)), st.integers(1, 12), cells
    )


def _filled(shares: list[int], count: int) -> list[int]:
    """Cut shares off where they reach ``count``, and fill up to it."""
    kept: list[int] = []
    for share in shares:
        kept.append(min(share, count - sum(kept)))
        if sum(kept) == count:
            return kept
    return [*kept, count - sum(kept)]


@given(
    st.lists(st.builds(Section, st.sampled_from(["", "Row"]), st.lists(_lines(), max_size=4).map(tuple)), max_size=4)
)
def test_panels_tile_the_grid(sections: list[Section]) -> None:
    """Whatever the sections, panels cover every cell of the grid down to the last one exactly once."""
    placed = layout.arrange(sections)
    covered = [
        (x, y)
        for grid in (panel["gridPos"] for panel in placed)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    height = max((y for _, y in covered), default=-1) + 1
    assert len(covered) == len(set(covered)) == COLUMNS * height
    assert [panel["id"] for panel in placed] == list(range(1, len(placed) + 1))


def test_shares_give_widths() -> None:
    """Panels share a line equally unless a share is given with them, and keep their order."""
    placed = layout.arrange([Section("", (line(4, (2, _panel("a")), _panel("b")), line(3, _panel("c"))))])
    assert [(panel["title"], panel["gridPos"]) for panel in placed] == [
        ("a", {"x": 0, "y": 0, "w": 16, "h": 4}),
        ("b", {"x": 16, "y": 0, "w": 8, "h": 4}),
        ("c", {"x": 0, "y": 4, "w": 24, "h": 3}),
    ]


def test_heading_takes_one_line() -> None:
    """A section with a title begins with a row panel of height 1 that holds no panels itself."""
    row, panel = layout.arrange([Section("Row", (line(4, _panel()),))])
    assert (row["type"], row["collapsed"], row["panels"], row["gridPos"]["h"]) == ("row", False, [], 1)
    assert panel["gridPos"]["y"] == 1


@pytest.mark.parametrize("cells", [0, 5, 7])
def test_line_that_cannot_be_divided_is_refused(cells: int) -> None:
    """A line without panels, or with so many that columns are not whole, raises an error."""
    with pytest.raises(layout.LayoutError, match="cannot be divided"):
        layout.arrange([Section("", (line(4, *[_panel()] * cells),))])
