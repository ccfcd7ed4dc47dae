"""The doors to projects: pages for people and administrators, two addresses for programs."""

from litestar import Router

from arena.projects.routes import admin, api, board

router = Router(
    path="/",
    route_handlers=[
        *(board.projects, board.new, board.submit_form, board.project, board.follow),
        *(admin.evaluations, admin.once_more),
        *(api.evaluate, api.evaluation),
    ],
)
