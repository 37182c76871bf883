"""How a snapshot is wanted: options, which also may stand in the environment."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grafana.api import SettingsError

HELP = """\
  SNAPSHOT_EXPIRES    as --expires      SNAPSHOT_KEEP    as --keep
  SNAPSHOT_EVERY      as --every        SNAPSHOT_LINK_FILE    as --link-file
"""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MINUTE, _YEAR = 60, 366 * 86_400
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Times are in seconds; ``every`` is 0 for a single snapshot, and ``link_file`` None where none is written."""

    expires: int
    keep: int
    every: int
    link_file: Path | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command line."""
    parser.add_argument("--expires", metavar="TIME", help="how long the link works, such as 12h (default: 1d)")
    parser.add_argument("--keep", metavar="COUNT", help="so many of the newest of ours stay (default: 5)")
    parser.add_argument("--every", metavar="TIME", help="go on, one each so often, until SIGTERM (default: one alone)")
    parser.add_argument("--link-file", metavar="PATH", help="write the newest link into this file as well")


def read_wanted(options: argparse.Namespace, environ: Mapping[str, str]) -> Wanted:
    """Return what is wanted; raise `SettingsError` naming what is wrong."""
    text = {name: _given(options, environ, name) for name in ("expires", "keep", "every", "link_file")}
    expires = _duration("expires", text["expires"] or "1d")
    every = _duration("every", text["every"]) if text["every"] else 0
    if expires < every:
        raise SettingsError("--expires is less than --every: between two snapshots there would be none")
    keep = text["keep"] or "5"
    if not re.fullmatch(r"[0-9]{1,4}", keep) or not 1 <= int(keep) <= _MOST:
        raise SettingsError(f"--keep (SNAPSHOT_KEEP) is a number from 1 to {_MOST}")
    return Wanted(expires, int(keep), every, Path(text["link_file"]) if text["link_file"] else None)


def _given(options: argparse.Namespace, environ: Mapping[str, str], name: str) -> str:
    option = getattr(options, name)
    return environ.get(f"SNAPSHOT_{name.upper()}", "").strip() if option is None else str(option)


def _duration(name: str, text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not _MINUTE <= seconds <= _YEAR:
        raise SettingsError(f"--{name} (SNAPSHOT_{name.upper()}) is a time from 1m to 366d, such as 30m, 12h or 7d")
    return seconds
