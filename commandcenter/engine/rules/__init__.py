"""Rules as data, with the loaders that check them."""
