"""Where version 0.1 had its module for Sentence Transformers: models that it saved name this path."""
