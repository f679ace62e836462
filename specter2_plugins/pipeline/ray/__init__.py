"""The same pipeline on many machines, with Ray Data."""
