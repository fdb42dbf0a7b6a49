"""The curated tables: what each is made of, and what a run's changes reach in it."""
