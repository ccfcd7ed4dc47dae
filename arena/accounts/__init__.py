"""People: who they are and how they prove it. Owns users, API keys, web sessions, one-time links, device codes, and the guards."""
