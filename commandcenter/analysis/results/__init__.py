"""What one run found: written once, then read as rows, shapes, summaries and comparisons."""
