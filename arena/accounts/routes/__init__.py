"""The accounts room's doors: signing in and out, joining by a link, letting terminals in, one's own choices."""

from litestar import Router

from arena.accounts.routes import (
    admin_keys,
    admin_sessions,
    auth,
    device,
    join,
    myself,
    privacy,
    sign_in,
    terminal,
    theme,
)

router = Router(
    path="/",
    route_handlers=[
        sign_in.sign_in_page,
        sign_in.sign_in,
        sign_in.sign_out,
        join.join_page,
        join.join,
        terminal.ask,
        terminal.answer,
        device.ask,
        device.collect,
        device.device_page,
        device.answer,
        theme.theme,
        auth.login,
        auth.logout,
        auth.whoami,
        auth.register,
        auth.by_mail,
        myself.myself,
        myself.api_key,
        myself.regenerate,
        myself.revoke,
        privacy.set_privacy,
        privacy.settings,
        privacy.change_settings,
        admin_keys.list_keys,
        admin_keys.revoke,
        admin_sessions.list_sessions,
        admin_sessions.end,
        admin_sessions.end_all,
    ],
)
