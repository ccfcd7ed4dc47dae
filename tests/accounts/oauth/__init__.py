"""Signing in by way of providers: each of them, and what they share."""
