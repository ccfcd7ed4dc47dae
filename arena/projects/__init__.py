"""Projects and how a language model judges them: their READMEs, the queue they wait in, what was asked and paid."""
