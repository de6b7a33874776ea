"""Finding texts by their words: terms of English and Chinese, and the ranking BM25. Pure."""
