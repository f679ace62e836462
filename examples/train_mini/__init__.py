"""How the adapters of `mini` were trained: `python -m examples.train_mini --help`."""
