"""What developers run, through the Makefile."""
