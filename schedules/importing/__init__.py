"""Takes over periodic tasks of django-celery-beat that start jobs, as schedules."""
