"""Glue for programs that load a model by themselves, or with one side for queries and documents.

Each file is for one of them and is imported by its own name, so that none needs another: docs/hosts.md.
"""
