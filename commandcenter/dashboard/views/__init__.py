"""One module per kind of page: fetch, permit, call, render."""
