"""What a data set is like, measured: rows, types, gaps, ranges, duplicates, groups, quality."""
