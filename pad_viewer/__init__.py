"""The offline reading app. Empty so far: the name stands here because the import contracts speak of it."""
