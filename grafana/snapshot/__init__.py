"""A snapshot of the Public dashboard, for everybody who has its link: ``python -m grafana.snapshot``.

`grafana.figures` asks for its data, ``frozen`` puts them into a copy of the dashboard, ``kept`` publishes that copy
in Grafana and deletes old ones, ``schedule`` does so again and again, ``wanted`` says how, ``command`` is the command
line.
"""
