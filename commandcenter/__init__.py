"""Command Center: a self-hosted command center over a portfolio of software repositories."""

__version__ = "0.1.0"
