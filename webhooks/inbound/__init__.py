"""Webhooks that arrive: what GitHub and GitLab tell of a repository, and the analyses that are started for it."""
