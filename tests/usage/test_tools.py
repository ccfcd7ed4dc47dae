"""The tools in the code are the rows of their table."""

from arena.core.db import Database
from arena.usage.models import TOOLS


def test_every_tool_has_its_row(db: Database) -> None:
    sql = "SELECT number, id, display_name, color FROM tool_types ORDER BY number"
    rows = db.read_sync(lambda conn: [tuple(row) for row in conn.execute(sql)])
    assert rows == [(tool.number, tool.id, tool.display_name, tool.color) for tool in TOOLS]
