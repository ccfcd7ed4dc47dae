"""What the operator looks into: the security log, and the state of the box."""
