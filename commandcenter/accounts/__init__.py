"""People, their API tokens and how they sign in."""
