"""What is worth telling, how it is said in a chat, and what comes from there."""
