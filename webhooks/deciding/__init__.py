"""What is sent to whom, and when again: pure decisions, without Django and without a clock of their own."""
