"""What the commands that talk to Grafana read from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from requests.auth import AuthBase

from grafana.api import Address, SettingsError, Token, basic, parse_address

HELP = """\
Settings are read from the environment:

  GRAFANA_URL       where Grafana is              (default http://127.0.0.1:3000)
  GRAFANA_TOKEN     a service account's token, role Admin (Administration > Service accounts), or
  GRAFANA_USER      and GRAFANA_PASSWORD: the login of an Admin
  PROMETHEUS_URL    Prometheus, as Grafana's server reaches it  (default http://127.0.0.1:9090)
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """Grafana's URL and login, and Prometheus' URL."""

    url: str
    auth: AuthBase
    prometheus_url: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings from the environment; raise `SettingsError` naming the one that is wrong."""
    grafana = parse_address(environ.get("GRAFANA_URL") or "http://127.0.0.1:3000", "GRAFANA_URL")
    prometheus = parse_address(environ.get("PROMETHEUS_URL") or "http://127.0.0.1:9090", "PROMETHEUS_URL")
    if prometheus.auth:
        raise SettingsError(
            "PROMETHEUS_URL must not hold a user name or password, which Grafana would keep readable: "
            "leave them out and set basic authentication on the data source in Grafana"
        )
    return Settings(grafana.url, _login(environ, grafana), prometheus.url)


def _login(environ: Mapping[str, str], grafana: Address) -> AuthBase:
    token, user, password = (environ.get(f"GRAFANA_{name}", "").strip() for name in ("TOKEN", "USER", "PASSWORD"))
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            raise SettingsError("GRAFANA_TOKEN holds a character that no token has: copy it again")
        return Token(token)
    if user and password:
        return basic(user, password)
    if user or password:
        raise SettingsError(f"GRAFANA_{'PASSWORD' if user else 'USER'} is missing: user and password go together")
    if grafana.auth:
        return grafana.auth
    raise SettingsError("no credentials: set GRAFANA_TOKEN, or GRAFANA_USER and GRAFANA_PASSWORD (see --help)")
