"""The workers as operators see them: their rows, draining and resuming."""
