"""The providers that people may sign in with, one file each, each under the name of its section in `[oauth]`.

A file offers ``Provider(settings)`` with ``begin`` and ``finish``, as `arena.accounts.actions.providers` asks; what
they share is in `_exchange`. They are imported when somebody comes by them, because the libraries they stand on cost
a quarter of a second.
"""
