"""The analysis engine: from a source to facts, metrics, dependencies, technologies and findings.

Pure Python: no Django, no Celery, no database. It reads repositories and never executes anything of theirs.
"""
