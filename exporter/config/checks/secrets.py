"""Secrets that cannot be read, or that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.config.base import Secret
from exporter.config.document import Path, Problem
from exporter.errors import ConfigError

_SHORTEST_TOKEN = 16


def secret_problems(path: Path, secret: Secret) -> Iterator[Problem]:
    """What keeps a secret from being read."""
    try:
        secret.read()
    except ConfigError as error:
        for problem in error.problems:
            yield path, problem


def token_problems(path: Path, secret: Secret, others: set[str]) -> Iterator[Problem]:
    """What keeps a token from being sent in a header, or from telling one bot from another."""
    try:
        token = secret.read()
    except ConfigError as error:
        yield from ((path, problem) for problem in error.problems)
        return
    if not re.fullmatch(r"[!-~]+", token):
        yield path, "a token is one word of printable ASCII, as in: openssl rand -hex 32"
    elif len(token) < _SHORTEST_TOKEN:
        yield path, f"a token of less than {_SHORTEST_TOKEN} characters can be guessed; make one: openssl rand -hex 32"
    if token in others:
        yield path, "another name has the same token; give each a token of its own"
    others.add(token)
