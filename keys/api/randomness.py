"""gen-random."""

from __future__ import annotations

from keys.api.schemas import hexadecimal
from keys.locate import RNG, the_random_number_generator
from keys.services import randomness
from operations import errors
from operations.answers import TEXT, record
from operations.fields import Bits, Request
from operations.operation import Operation

GEN_RANDOM = Operation(
    name="gen-random",
    path="kms/gen-random",
    action="kms:cmk:generate",
    locate=the_random_number_generator,
    resource_type=RNG,
    run=randomness.generate_random,
    request=Request(
        (
            Bits(
                name="random_data_length",
                required=True,
                error=errors.RANDOM_LENGTH,
                uneven=errors.RANDOM_LENGTH_UNEVEN,
                traced=True,
                about="How many bits.",
            ),
        )
    ),
    respond=lambda raw: {"random_data": hexadecimal(raw)},
    answer=record(random_data=TEXT),
    trace="genRandom",
    writes=False,
    brief=True,
    summary="Random bytes.",
)

OPERATIONS = (GEN_RANDOM,)
