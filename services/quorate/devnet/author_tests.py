"""A process that runs an author's tests, again and again, without loading pytest anew each time.

It has loaded pytest and what tests of contracts use, reads one request per line, forks, and tells
the exit code when the fork has ended; what the tests print goes to the file that the request names.
A fork sees the author's files as they are now, for none of them was ever loaded before it.
"""

import gc
import json
import os
import sys
from typing import Any, Final

NO_PYTEST: Final = 69
_CRASHED: Final = 70


def main() -> None:
    """Serve requests until standard input ends; exits with NO_PYTEST where there is none."""
    try:
        import pytest
    except ModuleNotFoundError:
        sys.exit(NO_PYTEST)

    import quorate.lang.pytest_plugin
    import quorate.lang.testing  # noqa: F401 (loaded here, so that no fork has to)

    # What is loaded stays shared between the forks.
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            _run(pytest, request)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(pytest: Any, request: dict[str, Any]) -> None:
    """Run pytest with what it prints going to a file; never returns."""
    code = _CRASHED
    try:
        descriptor = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for number in (1, 2):
            os.dup2(descriptor, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(request["directory"])
        code = int(pytest.main(request["arguments"]))
        sys.stdout.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
