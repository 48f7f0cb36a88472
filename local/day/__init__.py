"""A whole selling day on the local stack: `make day`. docs/day.md says what it is and is not."""
