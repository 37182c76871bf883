"""What happened to one thing, and what differed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass

from grafana.api import ConflictError, Json, redact

WORDS = ("created", "updated", "deleted", "kept", "unchanged", "absent")
CHANGES = frozenset({"created", "updated", "deleted"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one thing: ``word`` is one of `WORDS`, ``diff`` what differed.

    ``why`` is the reason for which something was kept, ``url`` where to look at it.
    """

    what: str
    word: str
    diff: str = ""
    why: str = ""
    url: str = ""


def lines(outcome: Outcome, *, dry_run: bool) -> list[str]:
    """Return what is printed about it; in a dry run, also what differed."""
    why = f": {outcome.why}" if outcome.why else ""
    diff = outcome.diff.splitlines() if dry_run else []
    text = [f"{outcome.what}: {worded(outcome.word, dry_run=dry_run)}{why}", *(f"    {line}" for line in diff)]
    return [*text, f"  {outcome.url}"] if outcome.url else text


def worded(word: str, *, dry_run: bool) -> str:
    """Return the word for what happened, or in a dry run for what would happen."""
    return f"would be {word}" if dry_run and word in CHANGES else word


def settle(what: str, attempt: Callable[[str], Outcome | None]) -> Outcome:
    """Try until what was read is still true when it is written, at most three times."""
    for _ in range(3):
        outcome = attempt(what)
        if outcome is not None:
            return outcome
    raise ConflictError(f"{what} is being changed by somebody else at the same time: run this again")


def unless(raced: bool, conflict: Callable[[], ConflictError]) -> None:
    """Return if somebody was faster, so that the caller looks again; raise if the name is somebody else's."""
    if not raced:
        raise conflict()


def changes(have: Json, want: Json) -> str:
    """Return a line for each key that changes, the old value before the new one, without the passwords in URLs."""
    lines = []
    for key in sorted(have.keys() | want.keys()):
        if have.get(key) != want.get(key):
            sides = (("-", have.get(key)), ("+", want.get(key)))
            lines += [f"{sign} {key}: {_short(value)}" for sign, value in sides if value]
    return redact("\n".join(lines))


def difference(have: Json, want: Json) -> str:
    """Return what changes as a unified diff, without headers and without the passwords in URLs."""
    before, after = (json.dumps(side, indent=1, sort_keys=True, ensure_ascii=False) for side in (have, want))
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
    return redact("\n".join(lines))


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def with_uid(uid: object) -> str:
    """Return the uid as a part of a sentence, if there is one."""
    return f" (uid {uid})" if uid else ""
