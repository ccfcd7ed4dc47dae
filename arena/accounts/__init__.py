"""People: who they are and how they prove it. Owns users, identities, keys, sessions, links, device codes, and guards."""
