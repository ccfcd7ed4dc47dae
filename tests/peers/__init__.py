"""What lies outside the box, as real programs on this machine: sign-in providers that speak the real protocols."""
