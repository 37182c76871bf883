"""One module a dashboard; each has ``build()``, which returns the dashboard's JSON model."""
