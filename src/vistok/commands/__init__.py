"""One file per verb of `vistok`: parse, call, print."""
