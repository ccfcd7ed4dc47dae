"""The front rooms: a person's dashboard with their ranks and keys, and how to install. Owns no table."""
