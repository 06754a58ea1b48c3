"""Settings: `base` is shared; `production` is what `manage.py up` and deployments run; `dev` and `test` differ by name."""
