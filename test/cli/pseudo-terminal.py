"""Runs a program in a pseudo-terminal and types into it.

Reads a JSON object from standard input: argv, env, and steps, each a text to wait for and a text to type.
Writes a JSON object to standard output: the text shown, the exit status, and whether the terminal echoed
during the first step and at the end.
"""

import json
import os
import pty
import select
import sys
import termios
import time

request = json.load(sys.stdin)


def echoes(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


pid, fd = pty.fork()
if pid == 0:
    os.execve(request["argv"][0], request["argv"], request["env"])

shown, typed_at, echoed = b"", 0, []
steps = list(request["steps"])
end = time.monotonic() + 20
while time.monotonic() < end:
    if steps and steps[0][0].encode() in shown[typed_at:]:
        echoed.append(echoes(fd))
        typed_at = len(shown)
        for part in steps.pop(0)[1]:
            os.write(fd, part.encode("latin1"))
            time.sleep(0.02)
    if not select.select([fd], [], [], 0.1)[0]:
        continue
    try:
        chunk = os.read(fd, 4096)
    except OSError:
        break
    if not chunk:
        break
    shown += chunk
else:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
json.dump(
    {
        "shown": shown.decode("utf-8", "replace"),
        "status": os.waitstatus_to_exitcode(status),
        "echoed": echoed,
        "echoesAtEnd": echoes(fd),
    },
    sys.stdout,
)
