"""A team's own arena: AI-coding usage collected from every tool, counted once, ranked live."""

__version__ = "0.1.0"
