"""Analyses, their shared result sets, and the life of findings."""
