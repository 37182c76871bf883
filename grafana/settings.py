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
  SHARE_PUBLIC      yes: share the Public dashboard, live, with everybody who has its link; no: take that back
                    (default: leave it as it is)
  GRAFANA_PUBLIC_URL    where strangers reach Grafana, for the links that are printed  (default: GRAFANA_URL)
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """Grafana's URL and login, Prometheus' URL, and Grafana's as strangers know it.

    ``share`` is whether the Public dashboard is to be shared; None leaves that as it is.
    """

    url: str
    auth: AuthBase
    prometheus_url: str
    public_url: str
    share: bool | None


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings from the environment; raise `SettingsError` naming the one that is wrong."""
    grafana = parse_address(environ.get("GRAFANA_URL") or "http://127.0.0.1:3000", "GRAFANA_URL")
    prometheus = parse_address(environ.get("PROMETHEUS_URL") or "http://127.0.0.1:9090", "PROMETHEUS_URL")
    if prometheus.auth:
        raise SettingsError(
            "PROMETHEUS_URL must not hold a user name or password, which Grafana would keep readable: "
            "leave them out and set basic authentication on the data source in Grafana"
        )
    return Settings(
        url=grafana.url,
        auth=_login(environ, grafana),
        prometheus_url=prometheus.url,
        public_url=_public_url(environ) or grafana.url,
        share=_share(environ.get("SHARE_PUBLIC", "").strip()),
    )


def _public_url(environ: Mapping[str, str]) -> str:
    text = environ.get("GRAFANA_PUBLIC_URL", "").strip()
    address = parse_address(text, "GRAFANA_PUBLIC_URL") if text else None
    if address and address.auth:
        raise SettingsError("GRAFANA_PUBLIC_URL must not hold a user name or password, which everybody would read")
    return address.url if address else ""


def _share(text: str) -> bool | None:
    known = {"": None, "yes": True, "no": False}
    if text not in known:
        raise SettingsError("SHARE_PUBLIC is yes, no, or nothing, which leaves the sharing as it is")
    return known[text]


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
