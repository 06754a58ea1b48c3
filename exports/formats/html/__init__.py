"""One page that holds a whole analysis: it opens from a disk, asks the network for nothing, and runs only its own script."""
