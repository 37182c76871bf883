"""The sources of bots against the real programs: ``make test-bots``.

A folder for each bot, with ``requirements.txt`` for an environment of its own. They are no part of the quick test,
which runs the same sources on payloads that were recorded here.
"""
