"""Start a program that dies with its launcher: `trampoline.py LAUNCHER_PID COMMAND [ARGUMENT …]`.

A launcher that is killed with -9 cannot end what it started. Linux can: the kernel sends a signal to a
process whose parent is gone, once the process has asked for it. The request survives `exec`, so the
program that replaces this one keeps the process id and the promise. Elsewhere this only runs the program.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>


def main() -> None:
    """Ask for the signal, see that the launcher is still there, become the program."""
    launcher = int(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != launcher:  # it died before the request was made
            sys.exit(1)
    try:
        os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"cannot run {sys.argv[2]}: {error}")


if __name__ == "__main__":
    main()
