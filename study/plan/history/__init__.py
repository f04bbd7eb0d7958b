"""What was stated, judged and drawn, and on which records."""
