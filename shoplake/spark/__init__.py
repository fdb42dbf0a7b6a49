"""What the Glue jobs share: typed rows from staged text, rules, winners, and writing on a run's branch."""
