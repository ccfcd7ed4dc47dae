"""The administrator's doors to people and teams."""

from litestar import Router

from arena.teams.routes import people, person, teams

router = Router(
    path="/",
    route_handlers=[
        people.people,
        people.invite,
        people.withdraw,
        person.person,
        person.export,
        person.make_link,
        person.put_into_team,
        person.delete,
        person.change,
        teams.teams,
        teams.create,
        teams.team,
        teams.rename,
        teams.delete,
        teams.add,
        teams.remove,
    ],
)
