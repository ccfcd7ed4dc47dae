"""What the pages of projects show: to people, and to administrators."""
