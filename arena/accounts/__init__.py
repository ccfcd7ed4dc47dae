"""People: who they are and how they prove it. Owns users, keys, web sessions, links, device codes, and the guards."""
