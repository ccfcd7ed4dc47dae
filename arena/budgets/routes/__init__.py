"""The budgets room's doors."""

from litestar import Router

from arena.budgets.routes import admin, mine

router = Router(path="/", route_handlers=[admin.budgets, admin.set_team, admin.set_person, mine.mine])
