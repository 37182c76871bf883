"""What sections of the file are made of: the base of all, secrets, and values within bounds."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import msgspec

from exporter.errors import ConfigError

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]  # at most a day
Hours = Annotated[float, msgspec.Meta(gt=0, le=8_760)]  # at most a year
Dollars = Annotated[float, msgspec.Meta(ge=0)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Symbol = Annotated[str, msgspec.Meta(pattern=r"^[^/\s]+/[^/\s]+$")]
LabelValue = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping in the file; an unknown key is an error."""


class Secret(Section, frozen=True):
    """Where a secret is read from: an environment variable or a file, exactly one of the two."""

    env: str | None = None
    file: str | None = None

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError("give either env or file")

    def read(self) -> str:
        """The secret itself without blanks around it; lines inside stay, as a PEM key needs them.

        `ConfigError` says what is missing without showing any of it.
        """
        return _from_file(self.file) if self.file is not None else _from_environment(str(self.env))


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if value:
        return value
    # Whoever writes the secret itself where its variable's name belongs must not find it in a log.
    shown = name if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) else "named here"
    raise ConfigError([f"the environment variable {shown} is not set; export it, or use {{file: …}}"])


def _from_file(name: str) -> str:
    shown = name if re.match(r"[/~.]", name) and name.isprintable() else "named here"  # as above
    try:
        value = Path(name).expanduser().read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        reason = f"cannot be read: {error.strerror}; correct the path or its permissions"
    except UnicodeDecodeError:
        reason = "is not text; save the secret alone, as UTF-8"
    except RuntimeError:  # there is no such user
        reason = "is in a home directory that does not exist; write the whole path"
    except ValueError:  # a character that no path may have
        reason = "has a path that cannot exist; correct it"
    else:
        reason = "is empty; write the secret into it"
        if value:
            return value
    raise ConfigError([f"the file {shown} {reason}"])
