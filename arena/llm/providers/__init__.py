"""The kinds of providers, one file each, each under the name that `[llm] provider` has for it.

A file offers ``Provider(settings)`` with ``ask``, as `arena.llm.asking` has it; what they share is in `_exchange`.
"""
