"""Makes an environment for each bot: ``python -m tests.bots.environments``.

``tests/bots/NAME/requirements.txt`` is installed into ``.cache/bots/NAME``, and again only when it changes. The
bots' packages never meet the project's own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOTS = Path(__file__).parent
STAMP = "installed-requirements.txt"


def program(bot: str, name: str) -> Path:
    """Where a program of a bot's environment is; `FileNotFoundError` says how to make it."""
    path = environment(bot) / "bin" / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: make test-bots installs it")
    return path


def environment(bot: str) -> Path:
    """The folder of a bot's environment."""
    return ROOT / ".cache" / "bots" / bot


def main() -> int:
    """Make what is missing or out of date; the exit status is 1 after a message when that fails."""
    for requirements in sorted(BOTS.glob("*/requirements.txt")):
        try:
            _make(requirements, environment(requirements.parent.name))
        except subprocess.CalledProcessError as error:
            print(f"bots: failed: {error}", file=sys.stderr)
            return 1
    return 0


def _make(requirements: Path, folder: Path) -> None:
    wanted = f"# Python {sys.version.split()[0]}\n{requirements.read_text()}"
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"bots: installing {requirements.relative_to(ROOT)} into {folder.relative_to(ROOT)}", file=sys.stderr)
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--progress-bar", "off"]
    subprocess.run([*pip, "--requirement", str(requirements)], check=True)
    stamp.write_text(wanted)


if __name__ == "__main__":
    sys.exit(main())
