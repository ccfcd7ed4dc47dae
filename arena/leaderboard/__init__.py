"""The boards: people ranked over usage for a day, a week, a month or all time, by score, tokens, sessions or streak.

The room owns ranks and how they moved; what is counted belongs to `usage`, who may be named to `accounts`.
"""
