"""The state of the box: whether it lives, whether it is ready, and its housekeeping."""
