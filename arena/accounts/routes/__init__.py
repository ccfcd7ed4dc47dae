"""The accounts room's doors: signing in and out, joining by a one-time link, the choice of a theme, privacy mode."""

from litestar import Router

from arena.accounts.routes import join, privacy, sign_in, theme

router = Router(
    path="/",
    route_handlers=[
        sign_in.sign_in_page,
        sign_in.sign_in,
        sign_in.sign_out,
        join.join_page,
        join.join,
        theme.theme,
        privacy.set_privacy,
        privacy.settings,
        privacy.change_settings,
    ],
)
