"""How right the numbers are: the engine beside other people's programs over real sources. Run by `make accuracy`."""
