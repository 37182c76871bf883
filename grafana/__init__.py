"""Grafana dashboards as code, and the command that puts them into a running Grafana.

``queries`` writes PromQL, ``panels`` writes Grafana's JSON, ``layout`` places panels on the grid,
``frame`` is what all dashboards have around them, ``foreign`` are metrics of others, ``sections`` are rows that
dashboards share, ``dashboards`` has one module a role (being there registers it), ``generate`` writes
``json/`` and ``provision`` sends it to a server through ``api``. ``names`` says how everything is called there, which
dashboard is in which folder, and who reads it. ``public`` says what strangers may see, ``figures`` asks Grafana for it,
``snapshot`` publishes it.
"""
