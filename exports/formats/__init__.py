"""One module per format; `exports.registry` lists them."""
