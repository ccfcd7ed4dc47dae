"""What is done with backups: `files` makes, proves and restores one; `keeping` says where they are and which stay."""
