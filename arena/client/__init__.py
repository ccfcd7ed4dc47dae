"""The laptop half: finds what AI coding tools wrote down, counts it once, keeps a ledger and sends what is new.

It needs msgspec and the standard library, and knows nothing of the box but the Structs of `arena.wire`.
"""
