"""What projects decided about technologies beside what their repositories use: the radar, and where the two drift apart."""
