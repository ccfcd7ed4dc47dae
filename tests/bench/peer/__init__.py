"""The peer: a leaderboard as it is often built, Django and DRF over PostgreSQL with its boards in Redis."""
