"""The screen: a start page, one tab per family drawn from what its models can do, and small widgets of our own. Never imports torch."""
