"""The claims of a study and what they came to."""
