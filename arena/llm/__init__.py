"""Language models, spoken to over HTTP: one question, one answer in the shape that was asked for. Knows no room."""
