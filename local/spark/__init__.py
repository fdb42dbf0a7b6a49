"""A warm Spark driver for the local Glue jobs: one JVM, each job a session and a thread of its own."""
