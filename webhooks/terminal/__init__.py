"""What `manage.py webhooks` hears and prints."""
