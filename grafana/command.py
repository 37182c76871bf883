"""What the commands that talk to a running Grafana have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from grafana.api import GrafanaError
from grafana.provision.server import Server, warning_about

DASHBOARDS = Path(__file__).parent / "json"


def parser(package: str, about: str, exit_codes: str, dry_run: str) -> argparse.ArgumentParser:
    """The options of ``python -m package``, of which there is ``--dry-run`` so far."""
    made = argparse.ArgumentParser(
        prog=f"python -m {package}",
        description=about,
        epilog=exit_codes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--dry-run", action="store_true", help=dry_run)
    return made


def exit_code(work: Callable[[], None]) -> int:
    """Do the work; an error is one line on stderr."""
    try:
        work()
    except GrafanaError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def introduce(server: Server) -> None:
    """Say which Grafana this is."""
    version = server.version()
    print(f"Grafana {version or '(version hidden)'} at {server.client.url}")
    if warning := warning_about(version):
        print(f"warning: {warning}", file=sys.stderr)
