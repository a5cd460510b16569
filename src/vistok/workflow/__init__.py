"""What the workflow's rules ask: files, digests and sizes of jobs, and what keeps jobs from starting."""
