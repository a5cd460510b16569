"""One module a scorer; each takes references and answers in the same order and returns a `Scored`."""
