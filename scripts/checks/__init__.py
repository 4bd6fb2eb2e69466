"""Checks and measurements of the code itself, run through the Makefile."""
