"""What becomes of usage: recorded, counted, priced, judged, forgotten. All of it goes through the book of one write."""
