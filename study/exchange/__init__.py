"""Results that are handed over: what a store has of an arm, why it lacks one, stores merged, a study as one file."""
