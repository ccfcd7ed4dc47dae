"""What tokens cost: a dated price table, and the cost of a response by it. Owns prices and their versions."""
