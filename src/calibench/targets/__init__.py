"""Where jobs run: the bundle that says what to do, and the process that does it."""
