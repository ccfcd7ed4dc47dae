"""The peer's one Django application: games, scores, a board for each game."""
