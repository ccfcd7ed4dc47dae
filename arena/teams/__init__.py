"""Teams: which people belong together. Owns teams and who is in them; shows the administrator teams and people."""
