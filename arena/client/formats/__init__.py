"""What several tools write alike, one file a format; which of them wrote it, their own files say."""
