"""One function per change: API, pages, admin and commands all write through these, and each publishes its event."""
