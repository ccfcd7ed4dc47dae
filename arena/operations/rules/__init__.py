"""What the operator is told by: how the security log is asked, and what is weak about a box."""
