"""From a study file to a plan, or to the list of its mistakes."""
