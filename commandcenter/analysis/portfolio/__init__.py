"""Reads over all repositories: how each stands now, what needs attention first, and how that changed by day."""
