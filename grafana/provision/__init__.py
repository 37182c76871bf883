"""Bring a running Grafana to the wanted state: ``python -m grafana.provision``.

``command`` is the command line, ``work`` the order of things, ``server`` the Grafana that is looked at and changed,
``outcome`` what happened to one thing. Each kind of thing has a module: ``data_source``, ``folders``, ``teams``,
``permissions``, ``dashboards``, ``homes``. ``sharing`` lets everybody see the Public dashboard, if that is wanted.
``others`` finds what other people have, so that it stays.
"""
