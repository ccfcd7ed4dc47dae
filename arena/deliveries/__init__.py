"""Messages that leave the box, mail and webhooks: written down with the deed they tell of, sent until they went."""
