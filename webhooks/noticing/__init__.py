"""Telling people of endpoints that fail, before and when these are disabled: in the activity stream, and by mail."""
