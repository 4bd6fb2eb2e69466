"""What measures the code itself, through the Makefile."""
