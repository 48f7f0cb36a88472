"""What an operation asks for and how long it takes: `make bench` writes docs/benchmarks.md."""
