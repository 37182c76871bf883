"""The command line: one snapshot, or one again and again."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event

from grafana import figures
from grafana.api import Client, GrafanaError, Json, MissingError, SettingsError
from grafana.command import DASHBOARDS, exit_code, introduce, parser
from grafana.provision import sharing
from grafana.provision.outcome import Outcome, lines
from grafana.provision.server import Server
from grafana.provision.work import read_dashboards
from grafana.settings import HELP as SETTINGS
from grafana.settings import Settings, read_settings
from grafana.snapshot import kept
from grafana.snapshot.frozen import freeze
from grafana.snapshot.schedule import ended_by_signals, repeat
from grafana.snapshot.wanted import HELP as OPTIONS
from grafana.snapshot.wanted import Wanted, add_options, read_wanted

_HELP = f"""\
Publishes a snapshot of the Public dashboard in a running Grafana: a link for everybody, without login, with the
figures of this moment inside. It expires. Of those made here the newest stay, older ones are deleted; snapshots of
others are left alone. Run `make provision-dashboards` once before. {SETTINGS}\
{OPTIONS}
for example:

  GRAFANA_TOKEN=glsa_... make snapshot
  GRAFANA_TOKEN=glsa_... make snapshot ARGS='--every 1h --keep 24'
"""
_EXIT_CODES = """\
exit codes: 0 done, or ended by a signal; 2 a setting is wrong or missing; 3 Grafana or Prometheus does not answer;
4 wrong credentials or too few rights; 5 Grafana refuses; 6 the Public dashboard, its data source or sharing is not
there; 7 something would have been shown that is not public, so that nothing was published
"""

Say = Callable[[str], None]


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path = DASHBOARDS,
    stop: Event | None = None,
) -> int:
    """Run the command; return its exit code. ``stop`` ends a schedule."""
    options = _parser().parse_args(argv)
    return exit_code(lambda: _start(options, os.environ if environ is None else environ, folder, stop or Event()))


def _parser() -> argparse.ArgumentParser:
    made = parser("grafana.snapshot", _HELP, _EXIT_CODES, "publish and delete nothing; look at all of it, and say")
    add_options(made)
    return made


def _start(options: argparse.Namespace, environ: Mapping[str, str], folder: Path, stop: Event) -> None:
    settings, wanted = read_settings(environ), read_wanted(options, environ)
    model = read_dashboards(folder).get("public")
    if model is None:
        raise SettingsError(f"no Public dashboard in {folder}: run `make generate`")
    _run(settings, wanted, model, dry_run=options.dry_run, stop=stop)


def _run(settings: Settings, wanted: Wanted, model: Json, *, dry_run: bool, stop: Event) -> None:
    client = Client(settings.url, settings.auth, sleep=stop.wait)
    server = Server(client, dry_run=dry_run)
    try:
        if wanted.every and not dry_run:
            work = partial(_snapshot, server, settings, wanted, model, _say_when)
            with ended_by_signals(stop):
                repeat(work, wanted.every, stop, _failed)
        else:
            introduce(server)
            _snapshot(server, settings, wanted, model, print)
    finally:
        client.close()


def _snapshot(server: Server, settings: Settings, wanted: Wanted, model: Json, say: Say) -> None:
    """Publish one, say where it is, and delete those that are old by now."""
    now = datetime.now(UTC)
    if server.one(f"/api/dashboards/uid/{model['uid']}", "dashboard", needs="dashboards:read") is None:
        raise MissingError(
            f"the dashboard {model['title']} (uid {model['uid']}) is not in this Grafana: run "
            "`make provision-dashboards` first"
        )
    name = kept.name_at(now)
    span = figures.span_of(model, now)
    curves = figures.ask(server.client, model, span)
    title = f"{model['title']}, as of {now:%Y-%m-%d %H:%M} UTC"
    key = kept.publish(server, freeze(model, curves, span, title), name, wanted.expires)
    link = f"{settings.public_url}/dashboard/snapshot/{key}" if key else ""
    until = f"for everybody until {now + timedelta(seconds=wanted.expires):%Y-%m-%d %H:%M} UTC"
    _tell(server, Outcome(f"snapshot {name}", "created", why=f"{until}, {_about(curves)}", url=link), say)
    if link and wanted.link_file:
        _write(wanted.link_file, link)
    _delete_old(server, wanted.keep, key, say)
    _tell_shared(server, settings, model, say)


def _about(curves: figures.Curves) -> str:
    shown = [curve for each in curves.values() for curve in each]
    known = sum(value is not None for curve in shown for value in curve.values)
    lack = "" if known else "; has Prometheus scraped the exporter, with the rules of this repository?"
    return f"{len(curves)} panels, {len(shown)} series, {known} known values{lack}"


def _delete_old(server: Server, keep: int, key: str, say: Say) -> None:
    older = [row for row in kept.ours(server) if row.get("key") != key]
    for row in older[keep - 1 :]:
        kept.delete(server, row)
        _tell(server, Outcome(f"snapshot {row['name']}", "deleted"), say)


def _tell_shared(server: Server, settings: Settings, model: Json, say: Say) -> None:
    """Share the live figures as well if that is wanted, and say where they are."""
    for outcome in sharing.settled(server, model, settings.public_url, share=settings.share):
        _tell(server, outcome, say)
    if settings.share is not None:
        return
    if (shared := sharing.find(server, model["uid"])) and shared.get("isEnabled"):
        say(f"the same live, without end: {sharing.link(settings.public_url, shared)}")


def _tell(server: Server, outcome: Outcome, say: Say) -> None:
    for text in lines(outcome, dry_run=server.dry_run):
        say(text)


def _write(path: Path, link: str) -> None:
    """Write the link in one go, so that who reads it has the old one or the new one."""
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_text(f"{link}\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise SettingsError(f"the link cannot be written into {path}: {error.strerror}") from None


def _say_when(text: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", flush=True)


def _failed(error: GrafanaError, wait: float) -> None:
    when = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    print(f"{when} error: {error}; the next try is in {wait:.0f} s", file=sys.stderr, flush=True)
