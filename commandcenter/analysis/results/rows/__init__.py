"""The results of an analysis as typed rows: one source for the API, the exports and the command line."""
