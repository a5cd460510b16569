"""Before a run: fetching its inputs, planning its cost, and checking in advance what would fail later."""
