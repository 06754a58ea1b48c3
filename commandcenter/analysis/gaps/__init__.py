"""What a repository lacks, as its results hold it and as the day and the registries make it."""
