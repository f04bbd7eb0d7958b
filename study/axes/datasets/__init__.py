"""Datasets that are read: files, tables and what their columns are taken for, one's own."""
