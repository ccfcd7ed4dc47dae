"""The boards' doors: the board with its live stream, seasons, and what programs read."""

from litestar import Router

from arena.leaderboard.routes import api, board

router = Router(path="/", route_handlers=[board.leaderboard, board.seasons, board.season, board.live, api.router])
