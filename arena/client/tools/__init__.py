"""One file per AI coding tool, each complete: where its records lie and how they are counted.

A tool module offers NAME, COLLECTOR, `places()` and `sources()`: where the tool may keep things, and what lies there.
KEEPS tells how far each figure can be known. Further, where there is something to say:

`settings_file()`, HOOK    its settings hold hooks as Claude Code's do, and what our entry holds beside the command
`hook_files()`, `hook_command()`, HOOK_MARK, HOOK_AT
                           it loads files of ours: what is in them, how they are known, and when it calls us
HOOK_NOTE                  what is left to do once the hook is installed, in one sentence
SETTLES                    how many seconds the tool goes on writing after it called
STATUS_LINE                the keys that lead, in its settings, to the line that it shows
`named()`                  a hook names a transcript, which is read alone
`retention()`              after how many days it deletes what it keeps, and how to have it keep that longer
"""
