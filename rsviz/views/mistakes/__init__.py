"""Where a classification is wrong, and why: what the page `errors` is made of."""
