"""Names of the exporter's own parts, where the configuration may name them."""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Collection, Iterator
from pathlib import Path

from exporter.config.document import Path as Place
from exporter.config.document import Problem
from exporter.config.schema import Config

_PACKAGE = Path(__file__).parents[2]


def problems(config: Config) -> Iterator[Problem]:
    """Names that are none, each with the nearest that are."""
    for name in config.collectors:
        yield from _problem(("collectors", name), name, _collectors(), "collector")
    for name in config.log.levels:
        yield from _problem(("log", "levels", name), name, _modules(), "module")


def _problem(path: Place, name: str, known: Collection[str], what: str) -> Iterator[Problem]:
    if name not in known:
        close = difflib.get_close_matches(name, known, 3) or sorted(known)
        yield path, f"there is no {what} {name!r}; write {' or '.join(close)}"


def _collectors() -> set[str]:
    return {module.name for module in pkgutil.iter_modules([str(_PACKAGE / "collectors")])}


def _modules() -> set[str]:
    """Folders and modules as their loggers are called, without the ``exporter.`` before them."""
    found = {path.relative_to(_PACKAGE).with_suffix("") for path in _PACKAGE.rglob("*.py")}
    names = {".".join(path.parent.parts if path.name == "__init__" else path.parts) for path in found}
    return names - {"", "__main__"}
