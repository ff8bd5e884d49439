"""Work of a process of its own, in a module that imports little: each process imports it again."""

import json
import os
import signal


def work(beat, sections, turn, options, setting, log):
    """Say who is here; `dies` takes the process with it."""
    for name in sections:
        if name == "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        with log.open("a") as file:
            file.write(json.dumps({"status": "ok", "who": [name, os.getpid()]}) + "\n")
