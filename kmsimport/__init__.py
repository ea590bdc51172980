"""`kms-import`: brings a key into the service, ours or the original cloud's, from the machine where the key is.

A client like any other: it knows the wire and nothing of the service's code, and needs no Django. It imports the
standard library and `kmscrypto`. Key material lives in this process's memory and nowhere else.
"""
