"""What the operator is told by: how the security log is asked, when jobs are due, and what is weak about a box."""
