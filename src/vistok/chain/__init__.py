"""The chain of digests from data to table: an artefact is trusted only if what it was made from is."""
