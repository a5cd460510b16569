"""What surrounds a run: fetching its inputs, planning its cost, and checking beforehand what would fail later."""
