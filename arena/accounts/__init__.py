"""People: who they are and how they prove it. Owns users, identities, keys, sessions, links, codes, and the guards."""
