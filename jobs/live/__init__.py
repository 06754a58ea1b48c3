"""Job events over WebSockets."""
