"""Moving schedules on: what is due is decided once, whoever ticks, and its job is made in the same transaction."""
