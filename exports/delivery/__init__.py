"""Pushes finished exports to where people look: GitHub, and any webhook."""
