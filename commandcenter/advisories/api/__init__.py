"""The REST resources of this app."""
