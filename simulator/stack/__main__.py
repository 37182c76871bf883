"""Commands for the Makefile: `python -m simulator.stack install` and `… exporter-config`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from simulator.stack.binaries import BinaryNotFoundError, ensure_binaries


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 1 after a message on standard error."""
    parser = argparse.ArgumentParser(prog="python -m simulator.stack", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    install = commands.add_parser("install", help="find Prometheus and Alertmanager, or unpack them without root")
    install.add_argument("--where", action="store_true", help="say where the two are")
    config = commands.add_parser("exporter-config", help="write the configuration of docker compose's demo")
    config.add_argument("--check", action="store_true", help="write nothing; exit with 1 if FILE is out of date")
    config.add_argument("file", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if options.command == "install":
        return _install(where=options.where)
    return _check(options.file) if options.check else _write(options.file)


def _install(*, where: bool) -> int:
    try:
        found = ensure_binaries(lambda line: print(f"setup: {line}", file=sys.stderr, flush=True))
    except BinaryNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    if where:
        for name in ("prometheus", "alertmanager"):
            print(f"{name}: {found[name]}")
    return 0


def _write(path: Path) -> int:
    path.write_text(_compose_config())
    return 0


def _check(path: Path) -> int:
    if path.exists() and path.read_text() == _compose_config():
        return 0
    print(f"{path} is out of date; run make generate", file=sys.stderr)
    return 1


def _compose_config() -> str:
    from simulator.stack.components import compose_exporter_config  # noqa: PLC0415 - install works without packages

    return compose_exporter_config()


if __name__ == "__main__":
    sys.exit(main())
