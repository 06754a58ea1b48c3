"""How long jobs and their logs stay, and where they go."""
