"""What an identity document says: bytes of a card's chip, lines of a machine-readable zone, a number.

Pure: no port is opened here, no clock is asked. `document` has the words, `recognise` tells the kind of a text.
"""
