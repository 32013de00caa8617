"""The verifier that stands alone: one file, nothing of the product in it."""
