"""What agents do and how people look at it: environments, truth, bounded judges, pictures."""
