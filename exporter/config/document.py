"""The file as YAML: plain data, and the line on which each key stands.

YAML has more than a configuration needs. Tags, keys that are not text, keys that stand twice and structures
that hold themselves are refused here, each with its place; anchors, aliases and merge keys (``<<``) work.

No message shows a value: an unquoted secret that begins with ``!``, ``*`` or ``&`` would be in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.reader import ReaderError

from exporter.errors import ConfigError

Path = tuple[str | int, ...]

Problem = tuple[Path, str]
"""A place in the file, and what is wrong there."""

SECRETS = frozenset({"api_key", "secret", "password", "bearer_token", "username", "ws_token", "token"})


@dataclass(frozen=True)
class Document:
    """``data`` as read; ``where`` names the file in messages."""

    where: str
    data: Any
    root: yaml.Node | None

    def problem(self, path: Path, text: str) -> str:
        """One line about the value at ``path``."""
        return _problem(self.where, self.line(path), path, text)

    def line(self, path: Path) -> int:
        """The line of the deepest part of ``path`` that the file has."""
        node, line = self.root, 1
        for step in path:
            found = _step(node, step)
            if found is None:
                break
            line, node = found
        return line


def read(text: str, where: str) -> Document:
    """Read the text; `ConfigError` lists what cannot be plain data. A file without content is an empty mapping."""
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return Document(where, {}, None)
        problems = [_problem(where, *found) for found in _Check(loader).node(root, ())]
        if problems:
            raise ConfigError(problems)
        data = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax_problem(error, where)]) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([f"{where}:{line}: has a character that YAML does not allow; remove it"]) from None
    except RecursionError:
        raise ConfigError([f"{where}:1: is nested too deeply; no key needs that"]) from None
    return Document(where, {} if data is None else data, root)


def _syntax_problem(error: yaml.MarkedYAMLError, where: str) -> str:
    mark = error.problem_mark
    line = mark.line + 1 if mark else 1
    if error.problem == "but found another document":
        return f"{where}:{line}: a second document begins here; remove the --- and keep one"
    # What YAML found is shown where it is a symbol, not where it is a word out of the file.
    problem = re.sub(r" '[^'<]{3,}'", "", str(error.problem))
    advice = "check indentation and brackets, and put quotes around text that begins with a special character"
    return f"{where}:{line}: is not YAML: {problem}; {advice}"


def _problem(where: str, line: int, path: Path, text: str) -> str:
    return f"{where}:{line}: {_key(path)}: {' '.join(text.split())}"


def _key(path: Path) -> str:
    """The path as people write it; what stands below a secret's key may be the secret, so it ends there."""
    shown = ""
    for step, above in zip(path, (None, *path), strict=False):
        if above in SECRETS and step not in {"env", "file"}:
            break
        if isinstance(step, int):
            shown += f"[{step}]"
        else:
            shown += f".{step if step.isprintable() and step else repr(step)}"
    return shown.lstrip(".") or "the file"


def _step(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):  # merged keys come first, those that override them last
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        value = node.value[step]
        return value.start_mark.line + 1, value
    return None


_TAG = "tag:yaml.org,2002:"
_SCALARS = {_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp")}
_MERGE = _TAG + "merge"
# What PyYAML's constructors raise for text that is not what its tag says.
_UNREADABLE = (yaml.YAMLError, ValueError, LookupError, AttributeError)

_Found = tuple[int, Path, str]


class _Check:
    """Finds what cannot be plain data, each with its line and path. An aliased node is checked once."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._entered: set[yaml.Node] = set()
        self._left: set[yaml.Node] = set()

    def node(self, node: yaml.Node, path: Path) -> Iterator[_Found]:
        if node in self._left:
            return
        if node in self._entered:
            yield _line(node), path, "this holds itself by an alias (*…); remove the alias"
            return
        self._entered.add(node)
        yield from self._content(node, path)
        self._left.add(node)

    def _content(self, node: yaml.Node, path: Path) -> Iterator[_Found]:
        if not _is_plain(node):
            text = "a YAML tag (!…) or a lone = has no meaning here; remove it, or put quotes around text"
            yield _line(node), path, text
        elif isinstance(node, yaml.MappingNode):
            yield from self._mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                yield from self.node(child, (*path, index))
        elif isinstance(node, yaml.ScalarNode):
            text = self._scalar_problem(node)
            if text:
                yield _line(node), path, text

    def _scalar_problem(self, node: yaml.ScalarNode) -> str:
        try:
            value = self._loader.construct_object(node)
        except _UNREADABLE:
            return f"this is not a valid {node.tag.removeprefix(_TAG)}; correct it, or put quotes around text"
        if isinstance(value, float) and not math.isfinite(value):
            return "this must be a finite number, which .inf and .nan are not"
        if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
            return "this has half a character (\\ud800 to \\udfff); write the whole character"
        return ""

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Iterator[_Found]:
        lines: dict[Any, int] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                yield from self._merge(value, path)
                continue
            place = (*path, key.value) if isinstance(key, yaml.ScalarNode) else path
            text = self._key_problem(key, path)
            if text:
                yield _line(key), place, text
                continue
            name = self._loader.construct_object(key)
            if name in lines:
                yield _line(key), place, f"this key stands on line {lines[name]} already; keep one of them"
            lines.setdefault(name, _line(key))
            yield from self.node(value, place)

    def _key_problem(self, key: yaml.Node, path: Path) -> str:
        if not isinstance(key, yaml.ScalarNode) or not _is_plain(key):
            return "a key must be plain text; put quotes around it"
        if key.tag != _TAG + "str" and "ccxt" not in path[:-1]:  # ccxt's own settings have numbers as keys, too
            return f"a key must be text, and YAML reads one here as {key.tag.removeprefix(_TAG)}; put quotes around it"
        return self._scalar_problem(key)

    def _merge(self, node: yaml.Node, path: Path) -> Iterator[_Found]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(part, yaml.MappingNode) for part in parts):
            yield _line(node), (*path, "<<"), "only mappings can be merged; write <<: *anchor of one"
            return
        for part in parts:
            yield from self.node(part, path)


def _is_plain(node: yaml.Node) -> bool:
    if isinstance(node, yaml.MappingNode):
        return bool(node.tag == _TAG + "map")
    if isinstance(node, yaml.SequenceNode):
        return bool(node.tag == _TAG + "seq")
    return node.tag in _SCALARS


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
