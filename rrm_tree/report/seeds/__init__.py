"""Records of several seeds of one tree → the same reports as of one, with seeds as the outer level.

In: a SeedsResult. Out: text, and four files in a folder.
"""
