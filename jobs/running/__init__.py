"""One attempt of a job in a worker: the claim, its supervision, and the one outcome."""
