"""Which limit breaks first, and when: `make capacity`. The model is told in docs/capacity.md."""
