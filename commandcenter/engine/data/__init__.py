"""Facts that are shipped with the project, each with its date."""
