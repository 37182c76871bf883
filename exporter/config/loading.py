"""From a file to a checked configuration, or to all that is wrong with it."""

from __future__ import annotations

import ast
import copy
import difflib
import functools
import operator
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from exporter.config import checks, document, switches
from exporter.config.document import SECRETS, Document
from exporter.config.schema import Config
from exporter.errors import ConfigError

Known = Callable[[], checks.Known | None]

FORMS = {
    r"^[^/\s]+/[^/\s]+$": "in the form BASE/QUOTE, such as BTC/USDT",
    r"^[^/]+/[^/]+$": "in the form exchange/account, such as binance/main",
    r"^\S+$": "that is one word, without blanks",
}
"""What text of each pattern looks like, for people."""

_KINDS = {
    "object": "keys with values",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}
"""What msgspec calls things, for people."""


def _nobody_knows() -> None:
    return None


def load(path: Path, known_exchanges: Known = _nobody_knows) -> Config:
    """Read and check the file; `ConfigError` lists every problem found, one line each.

    ``known_exchanges`` gives the ids that an exchange may have, each with the keys that it asks for, or None to take
    any; it is asked only if the file names an exchange.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}; start from exporter.example.yml"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text; start from exporter.example.yml"]) from None
    return parse(text, str(path), known_exchanges)


def parse(text: str, where: str = "config", known_exchanges: Known = _nobody_knows) -> Config:
    """Check the text of a configuration; ``where`` names it in messages. What is switched off there is left out."""
    read = document.read(text, where)
    try:
        config = msgspec.convert(read.data, Config, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError([_explain(str(error), read)]) from None
    config = switches.sections(config)
    known = known_exchanges() if any(exchange.enabled for exchange in config.exchanges) else None
    found = sorted(checks.problems(config, known), key=lambda problem: read.line(problem[0]))
    problems = [read.problem(path, text) for path, text in found]
    if problems:
        raise ConfigError(problems)
    return switches.entries(config)


def _explain(message: str, read: Document) -> str:
    """Turn msgspec's message, which ends in `` - at `$.a[0].b` ``, into one with line, key and advice."""
    text, place = message, ""
    if message.endswith("`") and " - at `" in message:
        text, _, place = message.rpartition(" - at `")
    of_key, place = place.startswith("key` in `"), place.removeprefix("key` in `").rstrip("`")
    path = _parse_path(place)
    if of_key or place.endswith("[...]"):
        if place.endswith(".pegs[...]"):
            text = "this is not a rate; give the dollars in one unit as a number"
        path = (*path, *_bad_entry(read.data, path, message))
    unknown = re.search(r"unknown field `(.*)`", text, re.DOTALL)
    if path and path[-1] in SECRETS and (unknown or text.startswith("Expected")):
        text = "a secret never stands in this file; write {env: NAME} or {file: PATH}"
    elif unknown:
        text, path = _unknown_key(path, unknown.group(1)), (*path, unknown.group(1))
    return read.problem(path, _reworded(text, path))


def _unknown_key(path: document.Path, name: str) -> str:
    known = [field.name for field in _fields(path)]
    close = difflib.get_close_matches(name, known, 1)
    return f"unknown key; {f'did you mean {close[0]!r}?' if close else 'known keys: ' + ', '.join(known)}"


def _reworded(text: str, path: document.Path) -> str:
    """msgspec's words in ours."""
    missing = re.search(r"missing required field `(.+?)`", text)
    if missing:
        return f"the key {missing.group(1)!r} is missing"
    if text.startswith("Invalid enum value"):
        return f"unknown value; write {' or '.join(map(str, _kind(path).values))}"
    expected, matching, pattern = text.partition(" matching regex ")
    if matching:
        text = f"{expected} {FORMS[ast.literal_eval(pattern)]}"
    if text.startswith("Expected `object`, got `bool`") and any(field.name == "enabled" for field in _fields(path)):
        return "this is switched by a key of its own; write {enabled: true} or {enabled: false}"
    text = re.sub(r"`([a-z |]+)`", _kinds, text).replace("`", "")
    return f"{text[0].lower()}{text[1:]}"


def _kinds(named: re.Match[str]) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in named[1].split(" | "))


def _fields(path: document.Path) -> Any:
    return getattr(_kind(path), "fields", ())


def _parse_path(text: str) -> document.Path:
    """``$.exchanges[0].name`` as ("exchanges", 0, "name"); msgspec writes ``[...]`` for a key of our own choice."""
    return tuple(int(index) if index else key for key, index in re.findall(r"\.?([^.\[\]$]+)|\[(\d+)\]", text))


def _bad_entry(data: Any, path: document.Path, message: str) -> document.Path:
    """The key of the entry that msgspec means in a mapping with keys of our own choice: the first that alone is it."""
    data = copy.deepcopy(data)
    above = functools.reduce(operator.getitem, path[:-1], data)
    for name, value in above[path[-1]].items():
        above[path[-1]] = {name: value}
        try:
            msgspec.convert(data, Config, strict=True)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return (name,)
    return ()


def _kind(path: document.Path) -> Any:
    """What msgspec knows of the type at ``path``, found by walking the types."""
    kind: Any = msgspec.inspect.type_info(Config)
    for step in path:
        kind = _plain(_child(kind, step))
    return kind


def _child(kind: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return getattr(kind, "item_type", None)
    of_all = getattr(kind, "value_type", None)  # of a mapping with keys of our own choice
    return next((field.type for field in getattr(kind, "fields", ()) if field.name == step), of_all)


def _plain(kind: Any) -> Any:
    """The one struct in an optional type."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return next((each for each in kind.types if not isinstance(each, msgspec.inspect.NoneType)), None)
    return kind
