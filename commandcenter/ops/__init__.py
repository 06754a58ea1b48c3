"""Health, metrics and operating commands."""
