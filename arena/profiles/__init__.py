"""People as others may see them: what their usage adds up to. Reads usage and the boards; owns nothing."""
