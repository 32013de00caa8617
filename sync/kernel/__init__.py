"""The words everything else is written in: ids, order, bytes, keys, limits and outcomes."""
