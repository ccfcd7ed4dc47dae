"""One's own budget, and that of one's team, for programs that come with a web session."""

from functools import partial
from typing import Any

from litestar import Request, get
from litestar.types import ASGIApp

from arena.accounts.guards import me
from arena.budgets import actions
from arena.budgets.models import Budgets
from arena.budgets.pages import answer_of
from arena.core import clock
from arena.web.api import answer
from arena.web.box import box_of


@get("/api/me/budgets", data=Budgets)
async def mine(request: Request[Any, Any, Any]) -> ASGIApp:
    """Tell the visitor what they and their team may cost this month, what they cost so far, and what is foretold."""
    box, visitor = box_of(request), me(request)
    found = await box.db.read(partial(actions.mine, user_id=visitor.id, today=box.days.of(clock.now())))
    return answer(Budgets([answer_of(state) for state in found]))
