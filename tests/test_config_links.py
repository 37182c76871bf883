"""Addresses for the exporter's page: nothing stands in them that could not be shown to everybody."""

from __future__ import annotations

import pytest

from exporter.config import parse
from exporter.config.links import Links, is_address
from exporter.errors import ConfigError

KEYS = ("grafana", "prometheus", "alertmanager", "public", "docs")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:3000",
        "https://grafana.example.com/monitoring/",
        "http://[::1]:9090",
        "https://grafana.example.com/public-dashboards/44a47ef0ed5c4cd2952c8afd57c4859d",
        "https://münchen.example/x",
    ],
)
def test_addresses_are_taken(address: str) -> None:
    """Of any host, port and path, under each key."""
    for key in KEYS:
        assert getattr(parse(f"links: {{{key}: '{address}'}}").links, key) == address


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JAVASCRIPT://host/%0aalert(1)",
        "data:text/html,hello",
        "ftp://host",
        "//host",
        "127.0.0.1:3000",
        "http://",
        "http:///path",
        "http://root:hunter2@host",
        "http://hunter2@host",
        "http://host:hunter2",
        "http://host:0",
        "http://host:99999",
        "http://[::1",
        "http://host/?auth_token=hunter2",
        "http://host/#hunter2",
        "http://host/a b",
        "http://host\\\\@hunter2",
        "http://host/<script>",
        'http://host/\\"onclick=',
        "http://host/\\u0007",
        "http://host/\\u202e",
        "",
    ],
)
def test_what_may_not_be_shown_is_refused(address: str) -> None:
    """Other schemes, logins, queries and what is no address, in one line that repeats none of it."""
    for key in KEYS:
        with pytest.raises(ConfigError) as raised:
            parse(f'log: {{}}\nlinks:\n  {key}: "{address}"', "f.yml")
        [problem] = raised.value.problems
        assert problem.startswith(f"f.yml:3: links.{key}: is no address that everybody may see; write for example http")
        assert "hunter2" not in problem


def test_unknown_link_is_named() -> None:
    """A key of which the page knows nothing is an error like any other."""
    with pytest.raises(ConfigError, match=r"links\.grafanna: unknown key; did you mean 'grafana'"):
        parse("links: {grafanna: http://host}")


def test_defaults_are_good() -> None:
    """Without the section there are the documents alone."""
    assert list(Links().addresses) == ["docs"]
    assert all(map(is_address, Links().addresses.values()))
