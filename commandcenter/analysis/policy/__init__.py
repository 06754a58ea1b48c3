"""Policy gates: what a project demands of its analyses, and how each analysis was judged by it."""
