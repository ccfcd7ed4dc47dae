"""The addresses."""

from django.urls import path
from ranker.views import Leaderboard, Scores

urlpatterns = [path("api/scores/", Scores.as_view()), path("api/leaderboard/<int:game_id>/", Leaderboard.as_view())]
