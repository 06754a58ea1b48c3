"""Tests of the embedded servers and of `manage.py up`, with real processes."""
