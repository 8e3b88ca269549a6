# SPDX-License-Identifier: GPL-2.0-only
# console.py - types on QEMU's second serial port and on its keyboard when the machine asks for it.
import json
import os
import socket
import time


def connect(path):
    """A connected socket, or None as long as QEMU does not listen."""
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(path)
    except OSError:
        s.close()
        return None
    return s


def press(qmp, keys):
    """Presses keys one after the other; "shift-a" presses two at once."""
    for key in keys:
        codes = [{"type": "qcode", "data": k} for k in key.split("-")]
        command = {"execute": "send-key", "arguments": {"keys": codes, "hold-time": 20}}
        qmp.sendall(json.dumps(command).encode() + b"\n")
        # The answer says that QEMU has queued it, with the time between press and release, and up to the next.
        qmp.recv(4096)


def answer(emulator, log, com2_path, qmp_path, typed, ask=b"LOG prompt: waits"):
    """
    Until the emulator ends: for the nth line in the file log that begins with ask, types typed[n], a string on the serial port, or a list
    of keys on the keyboard. Returns all that was shown on the serial port.
    """
    com2 = qmp = None
    shown = b""
    answered = 0
    while emulator.poll() is None:
        if com2 is None:
            com2 = connect(com2_path)
            if com2:
                com2.settimeout(0.05)
            else:
                time.sleep(0.05)
            continue
        if qmp is None:
            qmp = connect(qmp_path)
            if qmp:
                qmp.sendall(b'{"execute": "qmp_capabilities"}\n')
                qmp.recv(4096)
            continue
        try:
            data = com2.recv(4096)
            if not data:
                time.sleep(0.05)
            shown += data
        except (TimeoutError, socket.timeout):
            pass
        except OSError:
            time.sleep(0.05)
        if not os.path.exists(log):
            continue
        with open(log, "rb") as f:
            asked = f.read().count(ask)
        while answered < min(asked, len(typed)):
            if isinstance(typed[answered], str):
                com2.sendall(typed[answered].encode())
            else:
                press(qmp, typed[answered])
            answered += 1
    return shown
