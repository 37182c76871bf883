"""Who is told of an alert, and when.

channels    what stands in ``channels.yml``: the one file to edit
routing     the configuration that follows from it
generate    writes it: ``python -m alertmanager.generate``
silence     silences alerts for a while: ``python -m alertmanager.silence``
"""
