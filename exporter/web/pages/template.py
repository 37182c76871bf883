"""Pages out of parts.

``{{name}}`` stands for a value, ``{{chart id="pnl" title="PnL"}}`` for ``parts/chart.html`` with these values as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

_HOLE = re.compile(r"""\{\{(?P<name>\w+)(?P<values>(?: \w+="[^"]*")*)\}\}""")
_VALUE = re.compile(r"""(\w+)="([^"]*)\"""")


def filled(folder: Path, name: str, values: Mapping[str, str]) -> str:
    """The text of a file in this folder with everything in its place; values are text, and are escaped."""

    def fill(hole: re.Match[str]) -> str:
        if hole["name"] in values:
            return escape(values[hole["name"]])
        return filled(folder, f"parts/{hole['name']}.html", {**values, **dict(_VALUE.findall(hole["values"]))}).rstrip()

    return _HOLE.sub(fill, (folder / name).read_text(encoding="utf-8"))
