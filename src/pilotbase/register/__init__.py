"""register: filings, duties, the public register, documents."""
