"""The optional engines with the real programs, which not every machine has. Run by `make extras`."""
