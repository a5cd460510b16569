"""The study as data: YAML files validated into frozen values, and everything that follows from them."""
