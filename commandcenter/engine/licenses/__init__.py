"""Recognises licences: texts by likeness, names and expressions by the SPDX list."""
