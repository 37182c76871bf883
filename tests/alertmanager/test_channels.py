"""channels.yml: what may stand in it, and that what follows from it is up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alertmanager import generate
from alertmanager.channels import Channels, load, parse
from exporter.errors import ConfigError
from tests.alertmanager.routes import FOLDER


def test_what_is_committed_is_what_follows_from_it() -> None:
    """make check finds alertmanager.yml and the generated templates as channels.yml says."""
    assert generate.main(["--check"]) == 0


def test_what_differs_is_named_and_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An edit by hand of what is generated is reported; generating again mends it."""
    (tmp_path / "channels.yml").write_text("slack: {enabled: true}\n")
    generate.write(load(tmp_path / "channels.yml"), tmp_path)
    edited = tmp_path / "alertmanager.yml"
    edited.write_text(edited.read_text().replace("3m", "4m"))
    before = edited.read_text()
    assert generate.main(["--check", "--folder", str(tmp_path)]) == 1
    assert "alertmanager/alertmanager.yml: differs from channels.yml; run `make generate`" in capsys.readouterr().err
    assert edited.read_text() == before
    assert generate.main(["--folder", str(tmp_path)]) == 0
    assert generate.main(["--check", "--folder", str(tmp_path)]) == 0


def test_a_wrong_file_is_an_error_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what is wrong with channels.yml, and writes nothing."""
    (tmp_path / "channels.yml").write_text("slak: {}\n")
    assert generate.main(["--folder", str(tmp_path)]) == 2
    assert "channels.yml:1: slak: unknown key; did you mean 'slack'?" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["channels.yml"]


def test_the_committed_file_is_the_default_and_shows_every_key() -> None:
    """Left out or written down, each key means the same; what is on needs no secret."""
    text = (FOLDER / "channels.yml").read_text()
    assert load() == Channels()
    for section in ("slack", "pagerduty", "discord", "sms"):
        assert not getattr(load(), section).enabled
    assert not load().exporter.incidents
    for section in Channels.__struct_fields__:
        assert re.search(rf"^{section}:", text, re.MULTILINE), section
        for key in getattr(getattr(Channels(), section), "__struct_fields__", ()):
            assert re.search(rf"^  {key}:", text, re.MULTILINE), f"{section}.{key}"
    for key in ("name", "exchanges", "times", "weekdays", "days_of_month", "months", "years", "location"):
        assert f"{key}:" in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("slack: {enable: true}", "channels.yml:1: slack.enable: unknown key; did you mean 'enabled'?"),
        ("maintenance: [{nam: x}]", "channels.yml:1: maintenance[0].nam: unknown key; the committed channels.yml"),
        ("slack: {enabled: yes please}", "channels.yml:1: slack.enabled: Expected bool, got str"),
        ("email: {to: []}", "channels.yml:1: email.to: Expected array of length >= 1"),
        ("email:\n  to: [nobody]", "channels.yml:2: email.to[0]: Expected str matching regex"),
        ("email: {after: {critical: soon}}", "channels.yml:1: email.after.critical: Expected str matching regex"),
        ("links: {grafana: 'http://a/{{ . }}'}", "channels.yml:1: links.grafana: Expected str matching regex"),
        ("sms: {severities: [worst]}", "channels.yml:1: sms.severities[0]: Invalid enum value 'worst'"),
        (
            "maintenance: [{name: a, weekdays: [sunday]}, {name: a, weekdays: [monday]}]",
            "channels.yml:1: maintenance[1].name: 'a' stands twice",
        ),
        ("maintenance: [{name: a}]", "channels.yml:1: maintenance[0]: 'a' would hold for ever"),
        (
            "maintenance: [{name: a, weekdays: [sunday], location: Nowhere}]",
            "channels.yml:1: maintenance[0].location: 'Nowhere' is no time zone",
        ),
        (
            "maintenance: [{name: a, weekdays: ['friday:monday']}]",
            "channels.yml:1: maintenance[0].weekdays[0]: friday:monday goes over Saturday, where the week ends",
        ),
        (
            "maintenance: [{name: a, days_of_month: ['32']}]",
            "channels.yml:1: maintenance[0].days_of_month[0]: Expected str matching regex",
        ),
        (
            "maintenance: [{name: a, days_of_month: ['28:3']}]",
            "channels.yml:1: maintenance[0].days_of_month[0]: 28:3 ends before it begins",
        ),
        (
            "maintenance: [{name: a, days_of_month: ['-3:3']}]",
            "channels.yml:1: maintenance[0].days_of_month[0]: -3:3 ends before it begins",
        ),
        (
            "maintenance: [{name: a, months: ['november:2']}]",
            "channels.yml:1: maintenance[0].months[0]: november:2 ends before it begins",
        ),
        (
            "maintenance: [{name: a, years: ['2027:2026']}]",
            "channels.yml:1: maintenance[0].years[0]: 2027:2026 ends before it begins",
        ),
        (
            "maintenance: [{name: a, times: [{start: '23:00', end: '01:00'}]}]",
            "channels.yml:1: maintenance[0].times[0]: 23:00 is not before 01:00; over midnight it is two",
        ),
    ],
)
def test_a_problem_names_its_line_and_key(text: str, problem: str) -> None:
    """What is wrong is said with file, line and key."""
    with pytest.raises(ConfigError) as caught:
        parse(text)
    (line,) = caught.value.problems
    assert line.startswith(problem)
