"""Backups: one file with the database and everything else of the data folder, made while the box serves. No table."""
