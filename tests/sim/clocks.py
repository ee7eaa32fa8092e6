"""A node's two clocks: a monotonic one that runs a little fast or slow, and a wall clock that lies.

Engines take timers from the first and stamp blocks with the second (core/bft/events.py), so what is
wrong with one must not show in the other. `suspend` is a laptop's lid or a paused virtual machine:
the monotonic clock stands still while the wall clock jumps when it comes back.
"""

PPM = 1_000_000


class Clock:
    """Both clocks of one node, as functions of virtual time."""

    def __init__(self, genesis_ms: int, skew_ms: int = 0, rate_ppm: int = 0) -> None:
        self._genesis_ms, self._skew_ms, self._rate_ppm = genesis_ms, skew_ms, rate_ppm
        self._suspended_ms = 0

    def read(self, world_ms: int) -> tuple[int, int]:
        """Return (monotonic, wall) at a virtual time."""
        own_ms = world_ms - self._suspended_ms
        if self._rate_ppm:
            own_ms += own_ms * self._rate_ppm // PPM
        return own_ms, self._genesis_ms + world_ms + self._skew_ms

    def find_world_ms(self, own_ms: int) -> int:
        """Return the first virtual time at which the monotonic clock shows at least `own_ms`."""
        guess = own_ms * PPM // (PPM + self._rate_ppm) + self._suspended_ms
        while self.read(guess)[0] < own_ms:
            guess += 1
        return guess

    def jump(self, by_ms: int) -> None:
        """Set the wall clock forward or back."""
        self._skew_ms += by_ms

    def suspend(self, for_ms: int) -> None:
        """Let the monotonic clock miss some time."""
        self._suspended_ms += for_ms

    def correct(self, skew_ms: int) -> None:
        """Put the wall clock right but for a small skew, as a time service does."""
        self._skew_ms = skew_ms
