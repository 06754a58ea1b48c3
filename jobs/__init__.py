"""Background jobs: the row, its state machine, dispatch, execution and live status."""
