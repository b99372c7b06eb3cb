"""The page on which people judge, and the dashboard of a run."""
