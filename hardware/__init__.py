"""What devices say, not what it means: codecs, transports, drivers, profiles and their twins.

Of `sync` only the kernel is known here.
"""
