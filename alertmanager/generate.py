"""Write Alertmanager's configuration from ``channels.yml``: ``python -m alertmanager.generate``.

``--check`` writes nothing and names every file that differs, so that what was reviewed is what runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from alertmanager.channels import Channels, load
from alertmanager.routing import configuration, templates
from exporter.errors import ConfigError

FOLDER = Path(__file__).parent

_HEAD = """\
# Written by 'make generate' from channels.yml, which is the file to edit; routing.py says why it is as it is.
#
# Paths of templates are relative to this file, those of secrets to the folder that Alertmanager is started in: start it
# in this one. It starts with no secret at all.
"""


class _Dumper(yaml.SafeDumper):
    """YAML in which nothing refers to something else."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - of the base
        return True


def texts(channels: Channels) -> dict[str, str]:
    """The text of each file by its path."""
    config = yaml.dump(configuration(channels), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    note = "{{/* Written by 'make generate' from channels.yml. */}}\n"
    return {"alertmanager.yml": f"{_HEAD}\n{config}", "templates/generated.tmpl": note + templates(channels)}


def write(channels: Channels, folder: Path) -> list[str]:
    """Write what differs; the names of those files."""
    names = differing(channels, folder)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(texts(channels)[name], encoding="utf-8")
    return names


def differing(channels: Channels, folder: Path) -> list[str]:
    """The names of files that are missing or differ."""
    paths = {name: folder / name for name in texts(channels)}
    found = {name: path.read_text(encoding="utf-8") if path.exists() else None for name, path in paths.items()}
    return sorted(name for name, text in texts(channels).items() if found[name] != text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit code is 1 when ``--check`` found a difference, 2 when channels.yml is wrong."""
    parser = argparse.ArgumentParser(prog="python -m alertmanager.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files are (default: %(default)s)")
    options = parser.parse_args(argv)
    try:
        channels = load(options.folder / "channels.yml")
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    if not options.check:
        for name in write(channels, options.folder):
            print(f"alertmanager/{name}: written")
        return 0
    names = differing(channels, options.folder)
    for name in names:
        print(f"alertmanager/{name}: differs from channels.yml; run `make generate`", file=sys.stderr)
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
