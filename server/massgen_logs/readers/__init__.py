"""One module per file kind: bytes to typed rows and a list of problems. They know formats and no meaning.

A torn, empty, binary, missing or oversized file never raises past a reader: it returns what could be read and says
what could not.
"""
