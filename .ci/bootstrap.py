"""Make the virtual environment: `python3 .ci/bootstrap.py FOLDER [CONSTRAINTS]`.

The versions are those of .ci/constraints.txt unless another file is given.

Needs nothing beyond Python's standard library. Where Debian or Ubuntu split pip off (no package
python3-venv), pip comes from the package python3-pip-whl, unpacked without root. Standard error has
progress; pip's own words are in FOLDER/setup.log.
"""

from __future__ import annotations

import importlib.util
import os
import ssl
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
PROGRESS_SECONDS = 5.0
sys.path.insert(0, str(ROOT))

from simulator.stack import debian  # noqa: E402 - not installed yet, hence the path above


def main() -> int:
    """Set up the folder given as the first argument; the exit status is 1 after a message when that fails."""
    folder, *others = map(Path, sys.argv[1:])
    try:
        pip = _environment_with_pip(folder)
        _install(folder, pip, others[0] if others else CONSTRAINTS)
    except (debian.UnpackError, subprocess.CalledProcessError, OSError) as error:
        say(f"failed: {error}")
        return 1
    return 0


def say(line: str) -> None:
    """Show one progress line."""
    print(f"setup: {line}", file=sys.stderr, flush=True)


def _environment_with_pip(folder: Path) -> list[str]:
    """Create the environment if it does not work yet; give the command that runs pip in it."""
    python = str(folder / "bin" / "python")
    if _works(python, "import pip"):
        return [python, "-m", "pip"]
    say(f"making the virtual environment {folder} with Python {sys.version.split()[0]}")
    command = [sys.executable, "-m", "venv", "--clear"]
    if importlib.util.find_spec("ensurepip") and _quietly([*command, str(folder)]):
        return [python, "-m", "pip"]
    subprocess.run([*command, "--without-pip", str(folder)], check=True)  # noqa: S603 - no outside input
    return [python, str(_pip_wheel() / "pip")]


def _works(python: str, statement: str) -> bool:
    return Path(python).exists() and _quietly([python, "-c", statement])


def _quietly(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - as above


def _pip_wheel() -> Path:
    if not debian.available():
        raise debian.UnpackError("this Python has no pip; install it, or python3-venv, and run this again")
    say("this Python has no pip (no package python3-venv); taking the one of python3-pip-whl, without root")
    try:
        debian.unpack(["python3-pip-whl"], say)
    except debian.UnpackError as error:
        message = f"{error}\nInstall it instead: sudo apt-get install python3-venv"
        raise debian.UnpackError(message) from error
    return next(debian.folder_of("python3-pip-whl").glob("usr/share/python-wheels/pip-*.whl"))


def _install(folder: Path, pip: list[str], constraints: Path) -> None:
    """Install pip and the build backend first, then the project with its extras, all at pinned versions."""
    environment = {**os.environ, **_certificates(), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    pinned = ["--progress-bar", "off", "--constraint", str(constraints)]
    in_environment = [str(folder / "bin" / "python"), "-m", "pip", "install", *pinned]
    log = folder / "setup.log"
    say(f"installing the packages with the versions of {constraints}")
    _run([*pip, "install", "--upgrade", *pinned, "pip"], environment, log)
    _run([*in_environment, *backend, "editables"], environment, log)
    project = ["--no-build-isolation", "--editable", f"{ROOT}[dev]"]
    _run([*in_environment, *project], environment, log)
    say("the virtual environment is ready")


def _certificates() -> dict[str, str]:
    """Point pip at certificates where a minimal system has none: those of Debian's package, unpacked."""
    known = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    if any(map(os.environ.get, known)) or ssl.get_default_verify_paths().cafile or not debian.available():
        return {}
    if Path("/etc/ssl/certs/ca-certificates.crt").exists():
        return {}
    say("this system has no certificates; taking those of the package ca-certificates, without root")
    debian.unpack(["ca-certificates"], say)
    unpacked = debian.folder_of("ca-certificates")
    bundle = unpacked / "bundle.crt"
    certificates = sorted(unpacked.glob("usr/share/ca-certificates/mozilla/*.crt"))
    bundle.write_text("".join(part.read_text() for part in certificates))
    return {"PIP_CERT": str(bundle)}


def _run(command: list[str], environment: dict[str, str], log: Path) -> None:
    """Run pip with its words in the log; show the last of them every few seconds, and at a failure."""
    started = shown = time.monotonic()
    with log.open("a") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)  # noqa: S603
        while process.poll() is None:
            time.sleep(0.2)
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                say(f"{shown - started:4.0f} s  {_last_lines(log, 1)}")
    if process.returncode:
        say(_last_lines(log, 15))
        raise subprocess.CalledProcessError(process.returncode, command)


def _last_lines(log: Path, count: int) -> str:
    return "\n".join(line[:110] for line in log.read_text(errors="replace").splitlines()[-count:])


if __name__ == "__main__":
    sys.exit(main())
