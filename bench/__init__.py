"""Figures of speed, each with its floor measured in the same run. `make bench` runs all; docs/performance.md explains."""
