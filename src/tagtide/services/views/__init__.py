"""What pages, the REST API and agents see: facts gathered once, so that they cannot disagree."""
