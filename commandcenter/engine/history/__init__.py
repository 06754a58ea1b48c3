"""The history of a repository: which commits count, who made them, and what they add up to."""
