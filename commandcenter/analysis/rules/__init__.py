"""The rules that engines report by: their catalogue, their versions, what a release changes."""
