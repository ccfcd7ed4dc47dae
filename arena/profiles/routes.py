"""The doors to a person's public figures."""

from typing import Any

from litestar import Request, Router, get
from litestar.params import FromPath
from litestar.types import ASGIApp

from arena.accounts.guards import me, somebody
from arena.core import clock
from arena.leaderboard.actions.boards import boards_in
from arena.profiles.actions import facts as facts_of
from arena.profiles.rules import mine, public
from arena.web.api import answer
from arena.web.box import box_of

AnyRequest = Request[Any, Any, Any]


@get("/api/users/{name:str}")
async def user(request: AnyRequest, name: FromPath[str]) -> ASGIApp:
    """A person's public profile. Somebody private is not found, as somebody unknown is not, except by themselves."""
    box, person, now = box_of(request), somebody(request, name), clock.now()
    today = box.days.of(now)
    board = await boards_in(box.memory, box.db, box.config).get("all_time", "score", today)
    standing = next((each for each in board.standings if each.user_id == person.id), None)
    known = await box.db.read(lambda conn: facts_of(conn, person.id, today))
    return answer(public(person, standing, known, box.days, today))


@get("/api/me/stats")
async def my_stats(request: AnyRequest) -> ASGIApp:
    """What the visitor used, in sum, by tool and day by day, and their streak."""
    box, id = box_of(request), me(request).id
    today = box.days.of(clock.now())
    board = await boards_in(box.memory, box.db, box.config).get("all_time", "score", today)
    standing = next((each for each in board.standings if each.user_id == id), None)
    known = await box.db.read(lambda conn: facts_of(conn, id, today))
    return answer(mine(standing, known, today))


router = Router(path="/", route_handlers=[user, my_stats])
