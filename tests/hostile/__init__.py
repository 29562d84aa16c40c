"""Files from strangers: each must work or be told in one line, in little memory, and run nothing."""
