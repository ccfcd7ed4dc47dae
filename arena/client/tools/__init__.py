"""One file per AI coding tool, each complete: where its records lie and how they are counted.

A tool module offers NAME, COLLECTOR, `places()` and `sources()`: where the tool may keep things, and what lies there.
Where it calls hooks when a session ends, as Claude Code's settings describe them, there is also `settings_file()` and
HOOK: what its entry there holds beside the command; HOOK_NOTE says in one sentence what is left to do. Where hooks name
a transcript there is `named()`, and where the tool deletes what it keeps, `retention()`: after how many days, and in
one sentence how to have it keep them longer.
"""
