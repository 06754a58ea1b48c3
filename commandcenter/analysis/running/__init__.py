"""One analysis, from the request to the end that is told to others."""
