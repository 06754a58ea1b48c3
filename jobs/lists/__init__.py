"""Pages and searches of jobs, at any depth of a large table."""
