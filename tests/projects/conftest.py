from tests.operations.stage import alice, bob, lasting_strong_room, mallory, strong_room, the_clock

__all__ = ["alice", "bob", "lasting_strong_room", "mallory", "strong_room", "the_clock"]
