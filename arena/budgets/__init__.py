"""Budgets: what a team or a person may cost in a month, what they cost so far, and where that leads to."""
