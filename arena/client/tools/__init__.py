"""One file per AI coding tool, each complete: where its records lie and how they are counted.

A tool module offers NAME, COLLECTOR, `found()` and `sources()`; where the tool calls hooks also `settings_file()`,
and, where its hooks name a transcript, `named()`.
"""
