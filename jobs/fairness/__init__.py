"""Which queued job may start: limits, exclusive work, joined requests, paused queues."""
