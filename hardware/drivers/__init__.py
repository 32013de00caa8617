"""A codec and a transport joined to a device that someone can use."""
