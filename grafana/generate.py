"""Write the dashboards' JSON, each in its folder: ``python -m grafana.generate``.

``--check`` writes nothing and names every file that differs, so that what was reviewed is what is imported.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from grafana import dashboards
from grafana.names import folder_of
from grafana.panels import Json

FOLDER = Path(__file__).parent / "json"
DASHBOARDS: dict[str, Callable[[], Json]] = {
    name: import_module(f"{dashboards.__name__}.{name}").build for _, name, _ in iter_modules(dashboards.__path__)
}


def render(model: Json) -> str:
    """Return a dashboard's JSON text: sorted, indented, ending in a newline."""
    return json.dumps(model, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def wanted() -> dict[str, str]:
    """Return the text of every file by its path, such as ``desk/trading.json``."""
    return {f"{folder_of(name).name}/{name}.json": render(build()) for name, build in DASHBOARDS.items()}


def differing(folder: Path) -> list[str]:
    """Return the paths of files that are missing, differ, or belong to no dashboard."""
    return _differing(wanted(), folder)


def write(folder: Path) -> list[str]:
    """Write what differs, delete what belongs to no dashboard, and return the paths of both."""
    texts = wanted()
    names = _differing(texts, folder)
    for name in names:
        path = folder / name
        if name in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[name], encoding="utf-8")
        else:
            path.unlink()
    return names


def _differing(texts: dict[str, str], folder: Path) -> list[str]:
    files = folder.rglob("*.json")
    found = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}
    return sorted(name for name in texts.keys() | found.keys() if texts.get(name) != found.get(name))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 1 when ``--check`` found a difference."""
    parser = argparse.ArgumentParser(prog="python -m grafana.generate", description="Write the dashboards' JSON.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files are (default: %(default)s)")
    options = parser.parse_args(argv)
    if not options.check:
        for name in write(options.folder):
            print(f"{name}: written")
        return 0
    names = differing(options.folder)
    for name in names:
        print(f"{name}: differs from its code; run `make generate`", file=sys.stderr)
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
