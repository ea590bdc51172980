"""How messages for jobs go through Redis: each is read once and then forgotten.

A message says no more than that something may be due, and beat soon sends another. So a worker acknowledges none and
puts none back. A worker that did, and lost Redis in the middle of a job, would end over it instead of connecting again.
"""

from kombu.transport import redis


class Channel(redis.Channel):
    ack_emulation = False
    do_restore = False


class Transport(redis.Transport):
    Channel = Channel
