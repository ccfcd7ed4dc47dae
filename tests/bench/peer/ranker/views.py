"""Submit a score; read a page of a board."""

import redis
from django.conf import settings
from ranker.models import Score
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

boards = redis.Redis(unix_socket_path=settings.REDIS_SOCKET, decode_responses=True)
NAMES = "names"
"""Names by user id, so that a page of a board needs PostgreSQL not at all."""


def with_length(get_response):
    """Let each answer say its length (middleware): gunicorn would send it in chunks."""

    def answer(request):
        response = get_response(request)
        response["Content-Length"] = len(response.content)
        return response

    return answer


def board(game_id: int) -> str:
    """The sorted set of a game: each person's best score."""
    return f"board:{game_id}"


class ScoreSubmission(serializers.Serializer):
    """What a client sends."""

    game_id = serializers.IntegerField(min_value=1)
    score = serializers.IntegerField(min_value=0)


class Scores(APIView):
    """``POST /api/scores/``: durable in PostgreSQL (autocommit), then on the board."""

    def post(self, request):
        """Record a score."""
        sent = ScoreSubmission(data=request.data)
        sent.is_valid(raise_exception=True)
        game, value = sent.validated_data["game_id"], sent.validated_data["score"]
        score = Score.objects.create(user_id=request.user.id, game_id=game, score=value)
        boards.zadd(board(game), {request.user.id: value}, gt=True)
        return Response({"id": score.id, "score": value}, status=201)


class Leaderboard(APIView):
    """``GET /api/leaderboard/<game>/``: the first fifty from the sorted set."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request, game_id):
        """Read the first page and how many there are."""
        with boards.pipeline(transaction=False) as reads:
            reads.zrevrange(board(game_id), 0, 49, withscores=True)
            reads.zcard(board(game_id))
            top, total = reads.execute()
        names = boards.hmget(NAMES, [user for user, _ in top]) if top else []
        items = [
            {"rank": rank, "userId": user, "username": name, "score": int(score)}
            for rank, ((user, score), name) in enumerate(zip(top, names, strict=True), 1)
        ]
        return Response({"items": items, "total": total})
