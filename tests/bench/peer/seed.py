"""Make tables, people, a game and a score for each person; print access tokens of some people as JSON."""

import json
import os
import random
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "ranker.settings"
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from ranker.models import Game, Score  # noqa: E402
from ranker.views import NAMES, board, boards  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken  # noqa: E402


def main() -> None:
    """Fill both stores with as many people as the first argument says."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    rng = random.Random(1)
    game = Game.objects.create(name="bench")
    names = [f"person-{number}" for number in range(int(sys.argv[1]))]
    people = User.objects.bulk_create((User(username=name, password="!") for name in names), batch_size=5_000)
    scores = Score.objects.bulk_create(
        (Score(user=user, game=game, score=rng.randrange(1_000_000)) for user in people), batch_size=5_000
    )
    for start in range(0, len(people), 5_000):
        part = slice(start, start + 5_000)
        boards.zadd(board(game.id), {each.user_id: each.score for each in scores[part]})
        boards.hset(NAMES, mapping={user.id: user.username for user in people[part]})
    tokens = [str(AccessToken.for_user(user)) for user in people[:8]]
    print(json.dumps({"game": game.id, "tokens": tokens}))


if __name__ == "__main__":
    main()
