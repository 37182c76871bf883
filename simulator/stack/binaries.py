"""Where the programs of Prometheus and Alertmanager are: on the PATH, or unpacked into the user's cache."""

from __future__ import annotations

import shutil
from pathlib import Path

from simulator.stack import debian
from simulator.stack.debian import Progress, UnpackError

# program: the Debian package that has it
PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}
_OTHER_NAMES = {"alertmanager": "prometheus-alertmanager"}  # Debian's

STEPS_WITH_APT = """\
Run 'make setup', which unpacks them from this system's packages into {cache}, without root.
Or install them: sudo apt-get install prometheus prometheus-alertmanager"""
STEPS_WITHOUT_APT = """\
With Homebrew: brew install prometheus alertmanager
Otherwise: fetch the archives 'prometheus' and 'alertmanager' for your system from the download page of the
Prometheus project, unpack them, and put prometheus, promtool, alertmanager and amtool on your PATH.
Then run the same command again."""


class BinaryNotFoundError(RuntimeError):
    """A program is missing; the message gives the exact steps that bring it."""


def find_binary(name: str) -> Path:
    """Give the path of `name`, one of `PACKAGES`; raises `BinaryNotFoundError` with the steps to get it."""
    if found := _look(name):
        return found
    msg = f"{name} is neither on the PATH nor in {debian.cache_folder()}.\n{_steps()}"
    raise BinaryNotFoundError(msg)


def ensure_binaries(progress: Progress) -> dict[str, Path]:
    """Find all programs, unpacking packages where needed; raises `BinaryNotFoundError` with steps."""
    missing = dict.fromkeys(package for name, package in PACKAGES.items() if _look(name) is None)
    if missing and debian.available():
        try:
            debian.unpack(list(missing), progress)
        except UnpackError as error:
            msg = f"{' and '.join(missing)} cannot be unpacked: {error}\n{_steps()}"
            raise BinaryNotFoundError(msg) from error
    return {name: find_binary(name) for name in PACKAGES}


def _look(name: str) -> Path | None:
    unpacked = debian.folder_of(PACKAGES[name]) / "usr" / "bin"
    for alias in filter(None, (name, _OTHER_NAMES.get(name))):
        found = shutil.which(alias) or shutil.which(alias, path=str(unpacked))
        if found:
            return Path(found)
    return None


def _steps() -> str:
    steps = STEPS_WITH_APT if debian.available() else STEPS_WITHOUT_APT
    return steps.format(cache=debian.cache_folder())
