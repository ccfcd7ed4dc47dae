"""How any room speaks HTTP: pages and fragments, errors, cookies, live streams. It knows Litestar and no room."""
