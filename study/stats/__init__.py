"""Whether a difference is real: pure functions of arrays, from paired differences to verdicts."""
