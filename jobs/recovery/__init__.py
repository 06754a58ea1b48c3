"""What is repeated or ended when a message, a worker or a process was lost."""
