"""How long tests wait for something that must come.

Nothing is measured by these: a test waits for an event and goes on at once. They only end a test whose event
never comes, so they are far longer than the slowest machine needs, whatever else it does. pytest's own limit
for a whole test (pyproject.toml) is longer still.
"""

PATIENCE_S = 120.0
"""For one step: a thread, a worker made for tests, a signal of the window."""

PATIENCE_MS = int(PATIENCE_S * 1000)

PROCESS_PATIENCE_S = 600.0
"""For a whole program with its models, which may run beside many others."""
