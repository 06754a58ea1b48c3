"""What every app may use: pagination, problem+json errors, throttles, permissions, encrypted fields, realtime."""
