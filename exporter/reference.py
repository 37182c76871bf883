"""Writes ``docs/metrics.md`` from the table: ``python -m exporter.reference [--check] FILE``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.metrics import NAMESPACE, TABLE, Family

_HEAD = """\
# Metrics

Generated from `exporter/metrics.py` by `make generate`; do not edit.

Base units throughout: seconds, ratios from 0 to 1, US dollars. A counter ends in `_total` and never falls
but by a restart. What is not known (a price, a rate) has no sample rather than a zero. Names and labels
are an interface: a change that breaks them stands in the changelog.
"""


def page() -> str:
    """The whole page in Markdown, a section for each subsystem."""
    return "\n".join([_HEAD, *_sections()]).rstrip() + "\n"


_SECTIONS = {
    "Exchanges": {"exchange"},
    "Markets and currencies": {"market", "currency"},
    "Orders and fills": {"order", "orders", "fill", "fills", "duplicate", "conflicting", "late", "approximate"},
    "Quotes and markouts": {"quote", "markout", "realized", "price"},
    "PnL and positions": {"pnl", "fees", "rebates", "position"},
    "Bots": {"bot"},
    "Targets": {"target"},
}
_LAST = "The exporter itself"


def _sections() -> Iterator[str]:
    for title in (*_SECTIONS, _LAST):
        yield f"## {title}\n"
        yield "| metric | type | labels | meaning |"
        yield "| --- | --- | --- | --- |"
        yield from (_row(family) for family in TABLE if _section(family) == title)
        yield ""


def _section(family: Family) -> str:
    subsystem = family.name.removeprefix(NAMESPACE).partition("_")[0]
    return next((title for title, subsystems in _SECTIONS.items() if subsystem in subsystems), _LAST)


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or with ``--check`` exit with 1 if the file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    if not options.check:
        options.file.write_text(page(), encoding="utf-8")
    elif not options.file.exists() or options.file.read_text(encoding="utf-8") != page():
        print(f"{options.file} is out of date; run make generate", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
