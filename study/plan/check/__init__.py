"""What ``check`` says of a plan before anything is trained."""
