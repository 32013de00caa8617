"""Who a person is by a document: readers of this box, one asked-for reading at a time, and what a number tells.

Nothing read is stored, logged or put into an address; it goes to the person who asked, and is forgotten after a minute.
"""
