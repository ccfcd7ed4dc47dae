"""What usage is decided by: copies and roads, doubts, and, one file a road, what bodies mean."""
