"""Identity as clients of the cloud know it: the part of Keystone v3 that they call (api.md 6)."""
