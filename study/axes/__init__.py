"""What can be varied: one module per axis, one class per choice; ``recipe`` has a choice on every axis.

A class that derives from its axis and has a ``name`` is known everywhere: to study files, the JSON Schema,
the registry tests. There is nothing to register.
"""
