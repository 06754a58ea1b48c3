"""The transactional outbox, the activity stream and the audit trail."""
