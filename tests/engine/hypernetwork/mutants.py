"""Damaged files by the thousand."""

import random
import struct


def mutants(seed: bytes, n: int) -> list[bytes]:
    """Changed at random, the same in every run: bytes, counts, special numbers, cuts and insertions."""
    chance = random.Random(7)
    made: list[bytes] = []
    for _ in range(n):
        mutant = bytearray(seed)
        for _ in range(chance.choice([1, 1, 1, 2, 8])):
            at = (
                chance.randrange(min(len(seed), 4000))
                if chance.random() < 0.8
                else chance.randrange(len(seed))
            )
            match chance.randrange(5):
                case 0:
                    mutant[at : at + 1] = bytes([chance.randrange(256)])
                case 1:
                    mutant[at : at + 8] = struct.pack(
                        "<Q", chance.choice([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1])
                    )
                case 2:
                    mutant[at : at + 4] = struct.pack(
                        "<I", chance.choice([0x7F800000, 0x7FC00000, 1, 0x7F7FFFFF])
                    )
                case 3:
                    del mutant[at : at + chance.randrange(1, 40)]
                case _:
                    mutant[at:at] = mutant[at : at + chance.randrange(1, 40)]
        made.append(bytes(mutant))
    return made
