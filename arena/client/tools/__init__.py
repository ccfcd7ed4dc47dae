"""One file per AI coding tool, each complete: where its transcripts lie and how they are counted.

A tool module offers NAME, COLLECTOR, `transcripts()`, `companions()`, `read()` and, where the tool calls hooks,
`settings_file()`.
"""
