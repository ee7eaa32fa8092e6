"""Limits of a module (docs/contract-abi.md, section 6), each below what would hurt the engine.

Without them a module of 60 kB can cost minutes of compiling or a native stack without bound:
docs/evidence.md has the worst modules that pass, measured.
"""

from typing import Final

CODE_SIZE_BYTES_MAX: Final = 60_000
PAGES_MAX: Final = 256
TABLES_MAX: Final = 1
TABLE_SIZE_MAX: Final = 10_000
TYPES_MAX: Final = 2_048
FIELDS_MAX: Final = 256
PARAMETERS_MAX: Final = 64
RESULTS_MAX: Final = 16
IMPORTS_MAX: Final = 256
FUNCTIONS_MAX: Final = 4_096
GLOBALS_MAX: Final = 2_048
# What globals begin with, 8 bytes for a field and 32 for an object: made anew in every call.
OBJECTS_SIZE_BYTES_MAX: Final = 65_536
TAGS_MAX: Final = 64
EXPORTS_MAX: Final = 1_024
DATA_SEGMENTS_MAX: Final = 1_024
ELEMENT_SEGMENTS_MAX: Final = 256
CUSTOM_SECTIONS_MAX: Final = 64
NAME_SIZE_BYTES_MAX: Final = 256

LOCALS_MAX: Final = 1_024  # with the parameters
INSTRUCTIONS_MAX: Final = 16_384
BRANCHES_MAX: Final = 2_048
# What the engine's allocator of registers takes time for: every branch may carry every local.
BRANCHES_TIMES_LOCALS_MAX: Final = 32_768
BRANCHES_TIMES_LOCALS_OF_ALL_MAX: Final = 65_536
GROWS_MAX: Final = 256  # memory.grow, in all functions
REFERENCE_INSTRUCTIONS_MAX: Final = 8_192  # of 0xFB, and on globals, in all functions
NESTING_MAX: Final = 128
LOOPS_NESTING_MAX: Final = 24
HEIGHT_MAX: Final = 1_024

# What running functions may take together, and what each takes beside its values. A slot stands
# for 8 bytes of native stack, with room to spare: the engine's own bound never decides.
SLOTS_MAX: Final = 65_536
FRAME_SLOTS: Final = 8
INSTRUCTIONS_PER_SLOT: Final = 8
