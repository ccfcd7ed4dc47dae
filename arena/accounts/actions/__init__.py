"""What people and the operator do with accounts.

Functions of `conn` run inside a write of their caller (`db.write`, `db.write_sync`); those that check or make a
password take `db`, because hashing is slow and must not hold up the writer. ``by`` is the id of the administrator
who does it to somebody else; nobody's id means the person themselves or the operator.
"""
