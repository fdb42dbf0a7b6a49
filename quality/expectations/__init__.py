"""The lake's own expectations: classes of Great Expectations, each asked in words that its caller gives."""
