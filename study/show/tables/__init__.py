"""Tables: ours beside what was reported elsewhere."""
