"""What a Glue crawler does: look into files, tell their format, infer columns, describe a table and its partitions.

Only `crawl` knows the emulator; `local/gaps/crawlers.py` hooks it in.
"""
