"""The security log: who did what, from where. Rows are appended and never changed by the program."""
