"""Data moves one way, and imports follow it."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "exporter"

# From left to right; a part may import only itself and what stands in an earlier row.
ROWS: tuple[tuple[str, ...], ...] = (
    ("__init__", "errors", "metrics", "client", "sampler", "stopping", "threads"),
    ("events", "config", "reference"),
    ("journal",),
    ("ledger", "logs"),
    ("state",),
    ("health", "intake", "exposition", "recovery", "replay", "supervision"),
    ("sources", "collectors", "publish", "stream"),
    ("live",),
    ("web",),
    ("service",),
    ("cli",),
    ("__main__",),
)
ROW = {part: number for number, parts in enumerate(ROWS) for part in parts}


def part_of(module: str) -> str:
    """The part of the exporter that a dotted name is in: ``exporter.ledger.book`` is in ``ledger``."""
    return module.split(".")[1] if "." in module else "__init__"


def imported(path: Path) -> set[str]:
    """The parts of the exporter that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            if node.module == "exporter":
                names.update(f"exporter.{alias.name}" for alias in node.names if alias.name in ROW)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return {part_of(name) for name in names if name.split(".")[0] == "exporter"}


def test_no_import_goes_against_the_flow() -> None:
    """No file of the exporter imports a part that stands to its right, and every part has its place."""
    against = [
        f"{path.relative_to(PACKAGE)} imports {part}"
        for path in PACKAGE.rglob("*.py")
        for own in [path.relative_to(PACKAGE).parts[0].removesuffix(".py")]
        for part in imported(path)
        if part != own and ROW[part] >= ROW[own]
    ]
    assert against == []
    assert {path.stem for path in PACKAGE.iterdir() if path.stem != "__pycache__"} == set(ROW)
