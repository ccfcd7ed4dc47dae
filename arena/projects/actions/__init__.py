"""What is done with projects: submit them, have the model judge them, see how well the model judges."""
