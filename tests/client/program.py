"""Bots as processes of their own, for what only a process can show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BOT = """
import logging, os, signal, sys, threading, time
from exporter.client import Client
logging.basicConfig(level=logging.INFO)
url, spool = sys.argv[1:3]
def fill(reports, trade_id):
    reports.fill(symbol="BTC/USDT", trade_id=trade_id, side="buy", price="60000.10", quantity="0.012")
"""
"""What each begins with."""


def start(code: str, *arguments: object, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Run Python code after `BOT`, under another command if need be; its standard streams are pipes."""
    command = [*wrapper, sys.executable, "-c", BOT + code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, text=True, cwd=ROOT, **pipes)  # type: ignore[call-overload, no-any-return]  # pipes by name


def run(code: str, *arguments: object, wrapper: tuple[str, ...] = ()) -> tuple[str, str]:
    """Run it to its good end; its standard output and error."""
    with start(code, *arguments, wrapper=wrapper) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output, errors
