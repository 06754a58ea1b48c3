"""Totals and durations of jobs, counted once and read without scanning."""
