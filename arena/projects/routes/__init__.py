"""The doors to projects: pages for people, two addresses for programs."""

from litestar import Router

from arena.projects.routes import api, board

router = Router(
    path="/",
    route_handlers=[board.projects, board.new, board.submit_form, board.project, api.evaluate, api.evaluation],
)
