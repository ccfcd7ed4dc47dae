"""The boards' doors: the page and its live stream, and what programs read."""

from litestar import Router

from arena.leaderboard.routes import api, board

router = Router(path="/", route_handlers=[board.leaderboard, board.live, api.router])
