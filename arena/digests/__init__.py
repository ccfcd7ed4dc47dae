"""The weekly mail: what last week was like for each person who wants to know."""
