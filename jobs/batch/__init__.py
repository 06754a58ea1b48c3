"""Jobs that have children: making them, counting them, and ending with the last."""
