"""In-store messaging: a named associate and their own customers, by text.

Subjects (rules and flows) live in this folder, adapters talk to AWS and the vendors,
runtime joins both for Lambda. docs/architecture.md shows the arrows.
"""
