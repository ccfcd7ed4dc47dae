"""The team's chat, and programs of its own: what the box tells them by itself, and what it answers when asked there."""
