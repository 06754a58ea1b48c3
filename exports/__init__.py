"""Exports of analyses in formats that other tools read."""
