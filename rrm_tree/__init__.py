"""Recursive reward modeling: declare a tree of tasks, train it leaves first, read its accuracy."""
