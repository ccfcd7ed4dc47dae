"""One file per AI coding tool, each complete: where its records lie and how they are counted.

A tool module offers NAME, COLLECTOR, `places()` and `sources()`: where the tool may keep things, and what lies there.
Where it calls hooks there is also `settings_file()`, where these name a transcript, `named()`, and where it deletes
what it keeps, `retention()`: after how many days, and in one sentence how to have it keep them longer.
"""
