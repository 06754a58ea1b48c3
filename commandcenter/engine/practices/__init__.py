"""What a repository should have, and should not do, as far as its tree alone shows it: one module per kind of check."""
