"""Starts PostgreSQL and Valkey from their wheels and keeps the platform's processes running; no Django in it."""
