"""Faults on real processes: whatever is killed, stopped or restarted, no job is lost and none is done twice."""
