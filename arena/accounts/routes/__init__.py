"""The accounts room's doors: signing in and out, joining by a one-time link, the choice of a theme."""

from litestar import Router

from arena.accounts.routes import join, sign_in, theme

router = Router(
    path="/",
    route_handlers=[
        sign_in.sign_in_page,
        sign_in.sign_in,
        sign_in.sign_out,
        join.join_page,
        join.join,
        theme.theme,
    ],
)
