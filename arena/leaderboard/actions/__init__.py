"""What boards can do: rank people now, freeze what is over, tell how somebody's place moved. One file a subject."""
