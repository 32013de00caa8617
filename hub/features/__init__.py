"""What the hub does for people, one package per feature; features are strangers to each other."""
