"""``trading-exporter journal …``: what can be done with a journal from outside."""

from __future__ import annotations

import argparse
import math
import sqlite3
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from exporter.errors import ExporterError, JournalError
from exporter.journal import copies, export, inspect
from exporter.journal.export import KINDS, LASTING_KINDS, Filter, Worth
from exporter.journal.progress import Progress
from exporter.journal.reader import Reader
from exporter.journal.rows import GROUPS
from exporter.journal.stored import Stored
from exporter.journal.tail import Tail
from exporter.journal.times import moment, parse_moment

OK, FAILED, WRONG_USE = 0, 1, 2

Replay = Callable[[Reader, argparse.Namespace], Iterable[str]]
"""What the rows of a journal come to, in lines to print."""

_TEACH = """\
A journal is the file that journal.path names. All of these but restore only read, also while the exporter runs.

  trading-exporter journal verify trading-exporter.journal
  trading-exporter journal backup trading-exporter.journal /backup/journal-$(date +%F)
  trading-exporter journal restore /backup/journal-2026-03-01 trading-exporter.journal --until 2026-03-01T12:00
  trading-exporter journal export trading-exporter.journal --format csv --kind fill --from 2026-01-01 > fills.csv
  trading-exporter journal replay trading-exporter.journal

Times are ISO 8601, in UTC unless they say otherwise (2026-03-01, 2026-03-01T12:00+01:00), or Unix seconds.
exit status: 0 done, 1 the journal is damaged or cannot be read or written, 2 the command line is wrong
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command ``journal`` with its own commands."""
    text = "look into, copy and restore the journal"
    parser = commands.add_parser(
        "journal",
        help=text,
        description=f"{text.capitalize()}.",
        epilog=_TEACH,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    own = parser.add_subparsers(dest="journal_command", required=True, metavar="COMMAND")
    _verify_parser(own.add_parser("verify", help="read all of it and say what is missing or was changed"))
    _export_parser(own.add_parser("export", help="print its events as JSON lines or as a table"))
    _backup_parser(own.add_parser("backup", help="copy it, also while the exporter writes"))
    _restore_parser(own.add_parser("restore", help="make a journal of a backup, whole or up to a point in time"))
    _replay_parser(own.add_parser("replay", help="print what its events alone come to: positions, PnL, fees"))


def run(options: argparse.Namespace, replay: Replay, worth: Worth) -> int:
    """Run one of the commands; the exit status."""
    try:
        status = _run(options, replay, worth)
        sys.stdout.flush()
    except ExporterError as error:
        print(error, file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # whoever reads has seen enough
        sys.stderr.close()
        return OK
    except OSError as error:
        what = error.filename or "the output"
        print(f"{what} cannot be read or written: {error.strerror}; see to its disk", file=sys.stderr)
        return FAILED
    return status


def _run(options: argparse.Namespace, replay: Replay, worth: Worth) -> int:
    match options.journal_command:
        case "verify":
            return _verify(options)
        case "export":
            return _export(options, worth)
        case "backup":
            return _backup(options)
        case "restore":
            return _restore(options)
        case _:
            return _replay(options, replay)


def _verify_parser(parser: argparse.ArgumentParser) -> None:
    _describe(parser, "Read all of a journal: every row is there, unchanged and readable. Exit status 1 if not.")
    _file(parser)


def _verify(options: argparse.Namespace) -> int:
    progress = Progress("reading")
    report = inspect.verify(options.file, progress.records)
    progress.end()
    print(f"{options.file}: {'damaged: ' + report.fault if report.fault else 'intact'}")
    for group, content in report.content.items():
        print(f"  {group}: {_content(content)}")
    if report.fault:
        print(f"  a start would go on with: {report.intact}")
        print("  keep this file; docs/journal.md says how to go on from it or from a backup")
        return FAILED
    print(f"  saved state: {report.parts} parts")
    return OK


def _content(content: inspect.Content) -> str:
    if not content.rows or content.first_ts is None or content.last_ts is None:
        return "no rows" + (f", {content.forgotten:,} forgotten" if content.forgotten else "")
    times = f"events from {moment(content.first_ts)} to {moment(content.last_ts)}"
    forgotten = f", {content.forgotten:,} older rows forgotten" if content.forgotten else ""
    return f"{content.rows:,} rows, {content.records:,} records, {times}{forgotten}"


def _export_parser(parser: argparse.ArgumentParser) -> None:
    _describe(
        parser,
        "Print events: ndjson has one JSON object a line in the form that POST /v1/events takes, so that they can be "
        "pushed to another exporter; csv is a table of fills, funding and transfers with fees and values in USD.",
    )
    _file(parser)
    parser.add_argument("--format", choices=("ndjson", "csv"), default="ndjson", help="ndjson if left out")
    parser.add_argument("--kind", action="append", choices=tuple(KINDS), help="only these; may be given several times")
    parser.add_argument("--from", dest="since", type=_time, default=0.0, metavar="TIME", help="no earlier events")
    parser.add_argument("--to", type=_time, default=math.inf, metavar="TIME", help="only events before this")
    for name in ("exchange", "account", "symbol"):
        parser.add_argument(f"--{name}", metavar="NAME", help=f"only this {name}")


def _export(options: argparse.Namespace, worth: Worth) -> int:
    kinds = frozenset(options.kind or (LASTING_KINDS if options.format == "csv" else KINDS))
    if options.format == "csv" and kinds - LASTING_KINDS.keys():
        print(f"csv has only {', '.join(LASTING_KINDS)}; leave out the other kinds, or use ndjson", file=sys.stderr)
        return WRONG_USE
    wanted = Filter(kinds, options.since, options.to, options.exchange, options.account, options.symbol)
    progress = Progress("exporting")
    with inspect.reading(options.file) as connection:
        journal = export.Journal(connection, options.file)
        if options.format == "csv":
            export.to_csv(journal, wanted, sys.stdout, progress.records, worth)
        else:
            export.to_ndjson(journal, wanted, sys.stdout, progress.records)
    sys.stdout.flush()
    progress.end()
    return OK


def _backup_parser(parser: argparse.ArgumentParser) -> None:
    _describe(parser, "Copy a journal as it is at this moment, also while the exporter writes, and verify the copy.")
    _file(parser)
    _target(parser)


def _backup(options: argparse.Namespace) -> int:
    copying, reading = Progress("copying"), Progress("verifying")
    report = copies.backup(options.file, options.target, copying.pages, reading.records, force=options.force)
    reading.end()
    total = sum(content.records for content in report.content.values())
    print(f"{options.target}: {total:,} records, {options.target.stat().st_size:,} bytes, verified")
    return OK


def _restore_parser(parser: argparse.ArgumentParser) -> None:
    _describe(
        parser,
        "Make a journal of a backup or of another journal. Stop the exporter that writes the target first. With "
        "--force the file that is there already is kept under another name.",
    )
    _file(parser, "BACKUP", "a backup, or any journal")
    _target(parser)
    parser.add_argument(
        "--until", type=_time, default=math.inf, metavar="TIME", help="leave out what was written after this"
    )
    parser.add_argument(
        "--intact",
        action="store_true",
        help="if BACKUP is damaged, take the beginning that is intact instead of refusing; exit status 0, and what is "
        "lost is said",
    )


def _restore(options: argparse.Namespace) -> int:
    progress = Progress("restoring")
    choice = copies.Choice(options.until, options.intact)
    kept, fault = copies.restore(options.file, options.target, choice, progress.records, force=options.force)
    progress.end()
    report = inspect.verify(options.target, progress.records)
    progress.end()
    if fault:
        print(f"{fault}; only its beginning is restored, as asked for", file=sys.stderr)
    if kept:
        print(f"the file that was there is kept as {kept}")
    for group in GROUPS:
        print(f"{options.target}: {group}: {_content(report.content[group])}")
    return FAILED if report.fault else OK  # with --intact, whoever asked for the beginning has it


def _replay_parser(parser: argparse.ArgumentParser) -> None:
    _describe(
        parser,
        "Account for all events of a journal again, without prices of today, and print what each book comes to.",
    )
    _file(parser)
    parser.add_argument("--cost-basis", choices=("average", "fifo"), default="average", help="average if left out")


def _replay(options: argparse.Namespace, replay: Replay) -> int:
    with inspect.reading(options.file) as connection:
        stored = Stored(connection, options.file)
        try:
            tails = {group: Tail(group, stored.end(group)) for group in GROUPS}
            for line in replay(Reader(stored, tails), options):
                print(line)
        except sqlite3.Error as error:
            raise JournalError(f"{options.file} is damaged: {error}") from None
    return OK


def _describe(parser: argparse.ArgumentParser, text: str) -> None:
    parser.description = text


def _file(parser: argparse.ArgumentParser, name: str = "FILE", text: str = "the journal") -> None:
    parser.add_argument("file", type=Path, metavar=name, help=text)


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", type=Path, metavar="TARGET", help="the file to make")
    parser.add_argument("--force", action="store_true", help="even if TARGET is there already")


def _time(text: str) -> float:
    try:
        return parse_moment(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; write 2026-03-01, 2026-03-01T12:00 or Unix seconds"
        ) from None
