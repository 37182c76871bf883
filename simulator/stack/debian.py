"""Debian and Ubuntu packages without root: fetched by apt, unpacked by dpkg into the user's cache.

Nothing is installed: no service starts, no file outside the cache changes. Only the standard library is
imported, since ``.ci/bootstrap.py`` runs this before there is a virtual environment.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[str], None]

APT_SECONDS = 300

# Of a package's dependencies only those are fetched that its own web pages are made of.
_WEB_PARTS = ("libjs-", "fonts-")
_NEEDLESS = "usr/share/javascript/moment-timezone/data"  # 200 MB of sources; the built files are beside it

# Debian's builds look for templates and pages in a fixed place. It is replaced in the program by a path of the
# same length that leads to descriptor 9, which the wrapper opens on the unpacked folder.
_SHARED = b"/usr/share/prometheus"
_DESCRIPTOR = b"/proc/self/fd/9".ljust(len(_SHARED), b"/")
_WRAPPER = """\
#!/bin/sh
exec 9< "${0%/*}/../share/prometheus"
exec "${0%/*}/../libexec/${0##*/}" "$@"
"""

# apt reads the system's configuration first and then this. The hooks that distributions hang on an update
# (package lists for desktop shops and shells) write where an ordinary user may not.
_PRIVATE_APT = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
Dir::Cache "{folder}/cache";
"""
_PRIVATE_LISTS = """\
Dir::State "{folder}/state";
Dir::State::status "/var/lib/dpkg/status";
"""


class UnpackError(RuntimeError):
    """A package could not be fetched or unpacked; the message holds apt's or dpkg's own words."""


def available() -> bool:
    """Whether this system has apt and dpkg."""
    return all(map(shutil.which, ("apt-get", "dpkg-deb")))


def cache_folder() -> Path:
    """The folder that holds one subfolder for each unpacked package."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "trading-exporter" / "bin-root"


def folder_of(package: str) -> Path:
    """The folder that `package` is in once it was unpacked."""
    return cache_folder() / package


def unpack(packages: Sequence[str], progress: Progress) -> None:
    """See that each package is unpacked into its `folder_of`, fetching those that are not there yet.

    Two runs at once are safe: one works, the other waits for it. A run that is killed leaves nothing half
    done. Raises `UnpackError`.
    """
    if all(folder_of(package).is_dir() for package in packages):
        return
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _lock(cache, progress), tempfile.TemporaryDirectory(prefix=".work-", dir=cache) as work:
            _prepare(Path(work))
            for package in packages:
                if not folder_of(package).is_dir():
                    _fetch_and_unpack(package, Path(work), progress)
    except OSError as error:
        msg = f"cannot write to {cache}: {error}"
        raise UnpackError(msg) from error


@contextmanager
def _lock(folder: Path, progress: Progress) -> Iterator[None]:
    with (folder / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another run that fetches packages")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _prepare(work: Path) -> None:
    for part in ("cache/archives/partial", "state/lists/partial"):
        (work / part).mkdir(parents=True)
    (work / "system.conf").write_text(_PRIVATE_APT.format(folder=work))


def _fetch_and_unpack(package: str, work: Path, progress: Progress) -> None:
    """Unpack below `work` and then move the whole folder to its place at once."""
    progress(f"fetching the package {package}")
    archive = _download(package, work, progress)
    progress(f"unpacking {package} into {folder_of(package)}")
    unpacked = work / package
    _run(["dpkg-deb", "-x", str(archive), str(unpacked)], work)
    try:
        _add_web_parts(archive, unpacked, progress)
    except UnpackError as error:
        progress(f"{package} works, but its web pages will be incomplete: {error}")
    for program in sorted(unpacked.glob("usr/bin/*")):
        _relocate(program)
    unpacked.rename(folder_of(package))


def _add_web_parts(archive: Path, unpacked: Path, progress: Progress) -> None:
    """Unpack what the web pages of the package use into the same folder, and what that uses."""
    seen: set[str] = set()
    waiting = _web_parts(archive)
    if waiting:
        progress("fetching what its web pages are made of")
    while waiting:
        part = waiting.pop()
        if part not in seen:
            seen.add(part)
            found = _download(part, archive.parent, progress)
            _run(["dpkg-deb", "-x", str(found), str(unpacked)], archive.parent)
            waiting += _web_parts(found)
            shutil.rmtree(unpacked / _NEEDLESS, ignore_errors=True)


def _web_parts(archive: Path) -> list[str]:
    depends = _run(["dpkg-deb", "-f", str(archive), "Depends"], archive.parent)
    names = re.findall(r"(?:^|,)\s*([a-z0-9.+-]+)", depends)
    return [name for name in names if name.startswith(_WEB_PARTS)]


def _relocate(program: Path) -> None:
    """Let a program find its files in the folder that it was unpacked to, if it asks for the fixed place."""
    text = program.read_bytes()
    if _SHARED not in text:
        return
    moved = program.parent.parent / "libexec" / program.name
    moved.parent.mkdir(exist_ok=True)
    moved.write_bytes(text.replace(_SHARED, _DESCRIPTOR))
    program.write_text(_WRAPPER)
    for file in (moved, program):
        file.chmod(0o755)


def _download(package: str, work: Path, progress: Progress) -> Path:
    """Fetch the package with the system's lists; when they are missing or out of date, with fresh ones."""
    system, private = work / "system.conf", work / "private.conf"
    try:
        _run(["apt-get", "-c", str(private if private.exists() else system), "download", package], work)
    except UnpackError:
        if private.exists():
            raise
        progress("the package lists of this system are missing or old; reading fresh ones (about 10 MB)")
        private.write_text((_PRIVATE_APT + _PRIVATE_LISTS).format(folder=work))
        _run(["apt-get", "-c", str(private), "update"], work)
        _run(["apt-get", "-c", str(private), "download", package], work)
    return next(work.glob(f"{package}_*.deb"))


def _run(command: list[str], folder: Path) -> str:
    """Run a command to its end; give what it printed. Raises `UnpackError` with its last words."""
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        result = subprocess.run(  # noqa: S603 - fixed commands, names from this project
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=APT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{' '.join(command)}: no end after {APT_SECONDS} s"
        raise UnpackError(msg) from error
    if result.returncode:
        last_words = "\n".join(result.stdout.splitlines()[-6:])
        msg = f"{' '.join(command)}: exit status {result.returncode}\n{last_words}"
        raise UnpackError(msg)
    return result.stdout
