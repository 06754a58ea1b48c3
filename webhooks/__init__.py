"""Tells other systems what happened: endpoints, deliveries with their attempts, and what comes in from git hosts."""
