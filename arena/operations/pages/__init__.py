"""What the operator's pages show: the security log, and the system."""
