"""Games and scores; people are Django's own users."""

from django.conf import settings
from django.db import models


class Game(models.Model):
    """Something that is played for a score."""

    name = models.CharField(max_length=100, unique=True)
    is_active = models.BooleanField(default=True)


class Score(models.Model):
    """One score of a person in a game."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    game = models.ForeignKey(Game, on_delete=models.CASCADE)
    score = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
