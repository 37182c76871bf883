"""The command line: what is done, one line a thing."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from grafana.api import Client, Json
from grafana.command import DASHBOARDS, exit_code, introduce, parser
from grafana.provision import sharing, work
from grafana.provision.outcome import WORDS, Outcome, lines, worded
from grafana.provision.server import Server
from grafana.settings import HELP as SETTINGS
from grafana.settings import Settings, read_settings

_HELP = f"""\
Puts everything into a running Grafana: a Prometheus data source, folders, a team for each group of readers,
who may open which folder, the dashboards, and each team's home dashboard. A second run changes nothing and says so.
What other people made stays; who is in the teams is for you to say. {SETTINGS}
for example:

  GRAFANA_USER=admin GRAFANA_PASSWORD=... make provision-dashboards
  GRAFANA_URL=https://grafana.example.com GRAFANA_TOKEN=glsa_... make provision-dashboards ARGS=--dry-run
"""
_EXIT_CODES = """\
exit codes: 0 done; 2 a setting is wrong or missing; 3 Grafana does not answer as Grafana does;
4 wrong credentials or too few rights; 5 a name is taken, or is kept by a file or by somebody else;
6 sharing is switched off in Grafana; 7 what would be shared is not public, so that it is not shared
"""
_NOTE = (
    "note: put people into the teams under Administration > Teams. Folders decide who opens a dashboard, not who reads "
    "the data: see docs/dashboards.md"
)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None, folder: Path = DASHBOARDS) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    return exit_code(lambda: _run(read_settings(os.environ if environ is None else environ), options, folder))


def _parser() -> argparse.ArgumentParser:
    made = parser("grafana.provision", _HELP, _EXIT_CODES, "change nothing; show what would be changed")
    made.add_argument("--remove", action="store_true", help="take away what this command made, and nothing else")
    return made


def _run(settings: Settings, options: argparse.Namespace, folder: Path) -> None:
    models = work.read_dashboards(folder)
    client = Client(settings.url, settings.auth)
    try:
        server = Server(client, dry_run=options.dry_run)
        introduce(server)
        _report(_done(server, settings, models, remove=options.remove), dry_run=options.dry_run)
    finally:
        client.close()


def _done(server: Server, settings: Settings, models: Mapping[str, Json], *, remove: bool) -> Iterator[Outcome]:
    if remove:
        yield from work.remove(server, models)
    else:
        yield from work.provision(server, settings.prometheus_url, models)
        yield from sharing.settled(server, models.get("public"), settings.public_url, share=settings.share)


def _report(done: Iterable[Outcome], *, dry_run: bool) -> None:
    """Print what happened to each thing as it happens, then how many were created, updated and so on."""
    counts: Counter[str] = Counter()
    new_team = False
    for outcome in done:
        for text in lines(outcome, dry_run=dry_run):
            print(text)
        counts[outcome.word] += 1
        new_team |= outcome.word == "created" and outcome.what.startswith("team ")
    if new_team:
        print(_NOTE)
    print(", ".join(f"{counts[word]} {worded(word, dry_run=dry_run)}" for word in WORDS if counts[word]))
