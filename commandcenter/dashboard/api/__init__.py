"""The REST resources of the overview."""
