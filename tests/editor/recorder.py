"""Stands between an editor and its language server and writes down what they say: `recorder.py RECORD COMMAND…`.

Each message is a line of JSON in the file RECORD: who sent it, and the message. Those who talk notice nothing.
"""

import json
import os
import subprocess
import sys
import threading
from typing import BinaryIO, TextIO, cast

from tests.editor.wire import read, write


def pass_on(source: BinaryIO, sink: BinaryIO, sender: str, record: TextIO) -> None:
    """Passes messages on until the sender goes away, and then lets the receiver know."""
    while message := read(source):
        record.write(json.dumps({"from": sender, "message": message}) + "\n")
        record.flush()
        write(sink, message)
    sink.close()


def main(record: TextIO, command: list[str]) -> int:
    """Runs the server until it ends."""
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    to_server, from_server = cast(BinaryIO, server.stdin), cast(BinaryIO, server.stdout)
    editor = (sys.stdin.buffer, to_server, "editor", record)
    threading.Thread(target=pass_on, args=editor, daemon=True).start()
    pass_on(from_server, sys.stdout.buffer, "server", record)
    return server.wait()


if __name__ == "__main__":
    with open(sys.argv[1], "a", encoding="utf-8", buffering=1) as file:
        code = main(file, sys.argv[2:])
    # An orderly exit would wait for the thread that still waits for the editor.
    os._exit(code)
