"""The programs by which a system schedules things, of paper: what they were told, and cron's table, in one folder."""

import os
import sys
from pathlib import Path

SCRIPT = """#!{python}
import os, sys
from pathlib import Path
folder, name = Path({folder!r}), os.path.basename(sys.argv[0])
with open(folder / "said", "a") as said:
    said.write(" ".join([name, *sys.argv[1:]]) + "\\n")
if name != "crontab":
    sys.exit(0 if (folder / f"{{name}}.works").exists() else 1)
table = folder / "table"
if sys.argv[1] == "-l":
    sys.exit("no crontab for dev" if not table.exists() else sys.stdout.write(table.read_text()) and 0)
if sys.argv[1] == "-r":
    table.unlink()
else:
    new = sys.stdin.read()
    if (folder / "crontab.refuses").exists():
        sys.exit("errors in crontab file, can't install.")
    table.write_text(new)
"""


class System:
    """Puts the programs in front of the real ones, which no test may touch; at first only cron is at work."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.table = folder, folder / "table"
        self.path = os.pathsep.join([str(folder), os.environ["PATH"]])
        for name in ("crontab", "systemctl", "launchctl", "schtasks"):
            program = folder / name
            program.write_text(SCRIPT.format(python=sys.executable, folder=str(folder)))
            program.chmod(0o755)

    def works(self, name: str) -> None:
        """Have a program succeed from now on."""
        (self.folder / f"{name}.works").touch()

    @property
    def said(self) -> list[str]:
        """List what the programs were called with."""
        return (self.folder / "said").read_text().splitlines()
