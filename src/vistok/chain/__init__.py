"""The chain of digests from data to table: each artefact is believed only as far as what it was made from."""
