"""The Public dashboard, for strangers: is the claim true, since when, how is it measured."""

from __future__ import annotations

from grafana import frame
from grafana.panels import Json
from grafana.sections import public


def build() -> Json:
    """Return the dashboard's JSON model, which asks for nothing but what `grafana.public` lists."""
    questions = ("Is the claim true?", "Since when?", "How is it measured?")
    return frame.public("public", questions, (public.first_screen(), public.over_time()), refresh="30s", span="7d")
