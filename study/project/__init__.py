"""A project of a person's own, away from the repository: a folder that the installed workflow runs in."""
