"""What is known of packages: vulnerabilities from OSV records, and which versions are out."""
