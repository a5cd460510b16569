"""One module a step of the workflow: reads files, calls the rooms, writes files; one verb of the command line."""
