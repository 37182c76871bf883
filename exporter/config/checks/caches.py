"""Cache servers."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.secrets import secret_problems
from exporter.config.document import Path, Problem
from exporter.config.schema import Config
from exporter.config.switches import switched_on


def problems(config: Config) -> Iterator[Problem]:
    """Names that stand twice, and what a kind of server does not have."""
    labels: set[tuple[str, str]] = set()
    for index, each in switched_on(config.caches):
        path: Path = ("caches", index)
        if each.label in labels:
            yield (*path, "name"), f"{each.name!r} stands twice in tier {each.label[1]!r}; give each a name of its own"
        labels.add(each.label)
        for key, secret in each.secrets.items():
            if each.kind == "memcached":
                yield (*path, key), "memcached is asked without a user; remove it"
            else:
                yield from secret_problems((*path, key), secret)
        if each.kind == "memcached" and each.tls:
            yield (*path, "tls"), "memcached is asked without TLS; remove it"
