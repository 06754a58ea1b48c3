"""Sending many deliveries again: asked for in a row, worked through step by step."""
