"""Judges licences: which are on a list, and which do not go together. No legal advice."""
