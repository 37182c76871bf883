"""Grafana's HTTP API: one session, its refusals turned into errors that say what to do.

::

    GrafanaError            exit code
    ├── SettingsError       2  the command's own settings are wrong or missing
    ├── UnreachableError    3  no answer, an answer that is not Grafana's, or a fault inside Grafana
    ├── RefusedError        4  wrong credentials or too few rights
    ├── ConflictError       5  something of that name exists and is not ours to change
    ├── MissingError        6  what the command builds on was not provisioned yet
    └── PrivateError        7  something would have been shown to strangers that is not public

No message contains a password or a token, also not one that came inside a URL.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

Json = dict[str, Any]

_BUSY = frozenset({429, 502, 503, 504})
_PAUSES = (0.5, 1.0, 2.0)  # seconds before each further try while a proxy or a starting Grafana is not ready
_TIMEOUT = (5.0, 15.0)  # seconds to connect, and between two bytes of an answer
_USERINFO = re.compile(r"://[^/\s\"]*@")
_PAID = re.compile(r"licen[cs]e|enterprise", re.IGNORECASE)
_RIGHTS = re.compile(r"permission|denied|allowed|forbidden|^$", re.IGNORECASE)
_EXCERPT = 200  # characters of a foreign message that are repeated


class GrafanaError(Exception):
    """The base of all errors here; ``exit_code`` is what the command ends with."""

    exit_code = 1


class SettingsError(GrafanaError):
    """A setting is missing or cannot be used."""

    exit_code = 2


class UnreachableError(GrafanaError):
    """Nothing that could be understood came back."""

    exit_code = 3


class RefusedError(GrafanaError):
    """Grafana did not accept the credentials, or their rights do not suffice."""

    exit_code = 4


class ConflictError(GrafanaError):
    """What should be made exists already under another uid, or is kept by somebody else."""

    exit_code = 5


class MissingError(GrafanaError):
    """Something that `make provision-dashboards` makes is not there."""

    exit_code = 6


class PrivateError(GrafanaError):
    """What strangers would have seen holds more than public figures; the message names it and shows no value."""

    exit_code = 7


@dataclass(frozen=True, slots=True)
class Answer:
    """The status of an answer, and its JSON value; None where a deletion has nothing to say."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """What Grafana says about it, on one line and not long."""
        text = self.body.get("message", "") if isinstance(self.body, dict) else ""
        return redact(" ".join(str(text).split())[:_EXCERPT])

    def has_status(self, word: str) -> bool:
        """Whether the answer's own ``status`` is ``word``, such as ``version-mismatch``."""
        return isinstance(self.body, dict) and self.body.get("status") == word


class Token(AuthBase):
    """A service account's token; given as an object, so that no ``.netrc`` takes its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into a request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True, slots=True)
class Address:
    """Where Grafana is, without credentials, and the credentials that its URL held."""

    url: str
    auth: HTTPBasicAuth | None


def parse_address(text: str, setting: str) -> Address:
    """Return the address in a setting's text; raise `SettingsError` if it is no HTTP URL."""
    parts = _split(text)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"{setting} is not a URL; write it like http://127.0.0.1:3000"
        raise SettingsError(message)
    if parts.query or parts.fragment:
        message = f"{setting} must end with its path: remove what follows ? or #"
        raise SettingsError(message)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    auth = basic(unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return Address(bare, auth)


def basic(user: str, password: str) -> HTTPBasicAuth:
    """Return a login by user and password, in any alphabet."""
    return HTTPBasicAuth(user.encode(), password.encode())


def redact(text: str) -> str:
    """Return a text without the user names and passwords of the URLs in it."""
    return _USERINFO.sub("://***@", text)


class Client:
    """Calls to one Grafana.

    ``sleep`` is called with the seconds to wait before a further try.
    """

    def __init__(self, url: str, auth: AuthBase, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self.url = url
        self._sleep = sleep
        self._session = requests.Session()
        self._session.auth = auth

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def get(self, path: str, *, needs: str) -> Answer | None:
        """Return an answer, or None for 404; ``needs`` is the permission to name if it is refused."""
        answer = self.call("GET", path, None, needs=needs, expected=(404,))
        return None if answer.status == 404 else answer

    def call(self, method: str, path: str, body: Json | None, *, needs: str, expected: tuple[int, ...] = ()) -> Answer:
        """Return an answer of 2xx or of a status in ``expected``; raise a `GrafanaError` otherwise."""
        response = self._patient(method, path, body)
        call = f"{method} {path.partition('?')[0]}"
        if not 200 <= response.status_code < 300 and response.status_code not in expected:
            raise _failure(response, call, needs, self.url)
        return _answer(response, call, self.url)

    def _patient(self, method: str, path: str, body: Json | None) -> requests.Response:
        for pause in _PAUSES:
            response = self._once(method, path, body)
            if response.status_code not in _BUSY:
                return response
            self._sleep(pause)
        return self._once(method, path, body)

    def _once(self, method: str, path: str, body: Json | None) -> requests.Response:
        try:
            return self._session.request(method, self.url + path, json=body, timeout=_TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            message = f"cannot reach Grafana at {self.url} ({_reason(error)}): is it running, is GRAFANA_URL right?"
            raise UnreachableError(message) from None


def _failure(response: requests.Response, call: str, needs: str, url: str) -> GrafanaError:
    """Return the error for an answer: first what means the same whoever gave it, then what Grafana itself says."""
    status = response.status_code
    if 300 <= status < 400:
        place = _place(response.headers.get("Location", ""))
        return UnreachableError(f"{url} redirects to {place}: set GRAFANA_URL to where Grafana itself answers")
    if status in _BUSY:
        tries = len(_PAUSES)
        return UnreachableError(f"Grafana at {url} is not ready ({status}), also after {tries} more tries: try later")
    said = _said(response)
    if said is None:
        return UnreachableError(
            f"{url} answered {status} to {call} with {_kind(response)} instead of JSON: that is not Grafana with its "
            "path prefix, or a proxy in between does not let the call through"
        )
    if (status, call) == (404, "GET /api/health"):
        return UnreachableError(
            f"{url} has no GET /api/health (404): not Grafana, or not its path; is GRAFANA_URL right?"
        )
    return _refusal(status, said, call, needs)


def _refusal(status: int, said: str, call: str, needs: str) -> GrafanaError:
    if status == 401:
        return RefusedError(
            "Grafana does not accept the credentials (401): check GRAFANA_TOKEN, or GRAFANA_USER and _PASSWORD"
        )
    if _PAID.search(said):
        return RefusedError(f"{call} needs Grafana Enterprise or Cloud ({status}), it says: {said}")
    if status == 403 and _RIGHTS.search(said):
        permission = said.partition("Permissions needed: ")[2] or needs
        return RefusedError(
            f"too few rights for {call} (403): the permission {permission} is missing; use an Admin's credentials"
        )
    if (status, said.lower()) == (404, "not found"):  # what is sent for a path that it does not know
        return UnreachableError(f"this Grafana has no {call} (404): it is older than 9.4, or has that switched off")
    message = f"Grafana answered {status} to {call}: {said or 'no reason given'}"
    return UnreachableError(message) if status == 404 or status >= 500 else ConflictError(message)


def _place(location: str) -> str:
    target = urlsplit(location)
    return f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else "another path"


def _said(response: requests.Response) -> str | None:
    """Return the message in an answer, on one line and not long; None if it is not JSON."""
    try:
        return Answer(response.status_code, response.json()).message
    except ValueError:
        return None


def _kind(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "no type").partition(";")[0][:40]


def _answer(response: requests.Response, call: str, url: str) -> Answer:
    if not response.content and call.startswith("DELETE "):
        return Answer(response.status_code, None)
    try:
        return Answer(response.status_code, response.json())
    except ValueError:
        kind = _kind(response)
        message = f"the answer to {call} at {url} is not JSON but {kind}: is that Grafana, with its path prefix?"
        raise UnreachableError(message) from None


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text.strip())
        port = parts.port  # read here, because this is where a wrong one is found
    except ValueError:
        return None
    return parts if port != 0 else None


def _reason(error: requests.RequestException) -> str:
    """Return why a request failed in words of ours: the library's text may hold a whole URL."""
    reasons: dict[type[Exception], str] = {
        requests.exceptions.SSLError: "its TLS certificate or protocol is not accepted",
        requests.exceptions.ProxyError: "the proxy in the environment does not answer",
        requests.exceptions.Timeout: "no answer in time",
        requests.exceptions.ConnectionError: "no connection",
    }
    return next((text for kind, text in reasons.items() if isinstance(error, kind)), type(error).__name__)
