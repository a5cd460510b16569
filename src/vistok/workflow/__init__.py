"""What the workflow's rules use: files, digests and sizes of jobs, and checks before jobs start."""
