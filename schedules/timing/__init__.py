"""When a schedule fires: pure computation, without Django and without a clock of its own."""
