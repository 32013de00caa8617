"""Devices that are not there: they speak the real protocol and write down what they were told.

They ship with the product, for the demo, for training and for tests. A class with `start()` and `close()` each; nothing
is shared between two of them.
"""
