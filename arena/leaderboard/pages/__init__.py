"""What the pages of the boards show. One file a page: the board, seasons, and the picture of how a place moved."""
