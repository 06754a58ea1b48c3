"""Readers of dependency manifests and lock files: one module per format, one face (`inventory.read`)."""
