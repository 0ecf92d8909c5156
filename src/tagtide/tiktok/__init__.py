"""The data API: `wire` turns bytes into models, `client` makes one attempt, `source` joins them."""
