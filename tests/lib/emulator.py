# SPDX-License-Identifier: GPL-2.0-only
"""What tests/lib/bochs and tests/lib/qemu share: start an emulator, watch its serial line, end it, say how it ended.

Exit statuses of both programs:
  0  power-off by the guest, or the --until marker was seen
  2  wrong use, or the emulator cannot be started
  3  the guest reset the machine (unless --reset allows it)
  4  the emulator stopped with a fatal error (triple fault, emulator panic), or a --fatal text was seen
  5  the serial line was silent for longer than --stall
  124  --timeout passed
The last line on standard error names the outcome and the wall time.

--timeout and --stall count processor time of the emulator, so that a busy machine does not turn a slow run into a failed one; a
quarter of the wall time counts at least, for an emulator that sleeps. The wait for an emulator slot does not count.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

POWER_OFF, USAGE, RESET, FATAL, STALLED, TIMED_OUT = 0, 2, 3, 4, 5, 124

# How often files are looked at. Emulators write whole seconds of guest time between two looks.
POLL_SECONDS = 0.25


def add_common_options(parser):
    parser.add_argument("iso", help="image to boot from")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--memory", type=int, default=512, metavar="MB")
    parser.add_argument("--timeout", type=int, default=300, metavar="S", help="running time, see below")
    parser.add_argument("--stall", type=int, default=0, metavar="S", help="end if the serial line is silent that long (counted likewise)")
    parser.add_argument("--serial", default="serial.out", metavar="FILE", help="where the serial output goes")
    parser.add_argument("--until", metavar="TEXT", help="end early when a serial line contains TEXT")
    parser.add_argument("--until-count", type=int, default=1, metavar="N", help="... in the N-th such line")
    parser.add_argument("--fatal", action="append", default=[], metavar="TEXT",
                        help="a serial line that contains TEXT ends the run as a fatal stop; may be repeated")
    parser.add_argument("--reset", choices=["error", "end", "continue"], default="error",
                        help="a reset by the guest is an error (default), the normal end, or goes on with the next boot")
    parser.add_argument("--answer", action="append", default=[], metavar="ASK=REPLY",
                        help="a second serial port (COM2), on which REPLY and a carriage return are typed when it says ASK; may be "
                        "repeated: one after the other, the last one for ever")
    parser.add_argument("--keys", action="append", default=[], metavar="ASK=TEXT",
                        help="when a serial line contains ASK, TEXT (lower case letters, digits, spaces) and Enter are typed at the keyboard "
                        "(not in Bochs); may be repeated")
    parser.add_argument("--tee", action="store_true", help="copy the serial output to standard output")
    parser.add_argument("--work", metavar="DIR", help="work directory to keep (default: a temporary one)")


def hold_slot(argv):
    """Starts this program again below emulator-slot unless that is where it runs already."""
    if "RAVELIN_EMULATOR_SLOT" in os.environ:
        return
    slot = os.path.join(os.path.dirname(os.path.abspath(__file__)), "emulator-slot")
    os.execv(slot, [slot, os.path.abspath(argv[0])] + argv[1:])


class RunningTime:
    """Seconds that a process of so many busy threads has had."""

    def __init__(self, process, threads):
        self.stat = f"/proc/{process.pid}/stat"
        self.threads = threads
        self.started = time.monotonic()
        self.processor = 0.0

    def seconds(self):
        try:
            with open(self.stat, encoding="ascii", errors="replace") as stat:
                # Behind the name, which may hold anything: state is field 3, utime 14, stime 15.
                fields = stat.read().rpartition(")")[2].split()
            self.processor = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") / self.threads
        except (OSError, IndexError):
            pass
        return max(self.processor, (time.monotonic() - self.started) / 4)


class Serial:
    """Reads a growing file line by line."""

    def __init__(self, path, tee, until, until_count, fatal=(), listener=None):
        self.path = path
        self.listener = listener
        self.tee = tee
        self.until = until.encode() if until else None
        self.left = until_count
        self.fatal = [text.encode() for text in fatal]
        self.fatal_line = None
        self.offset = 0
        self.partial = b""
        self.last_growth = 0.0
        self.found = False

    def poll(self, now):
        try:
            with open(self.path, "rb") as serial:
                serial.seek(self.offset)
                data = serial.read()
        except FileNotFoundError:
            return
        if not data:
            return
        self.offset += len(data)
        self.last_growth = now
        if self.tee:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        lines = (self.partial + data).split(b"\n")
        self.partial = lines.pop()
        for line in lines:
            if self.listener is not None:
                self.listener(line)
            if self.fatal_line is None and any(text in line for text in self.fatal):
                self.fatal_line = line.decode("utf-8", "replace").strip()
            if self.until is not None and not self.found and self.until in line:
                self.left -= 1
                self.found = self.left <= 0


class Typist:
    """Reads what a serial port says and types the answers of --answer."""

    def __init__(self, answers):
        self.answers = [tuple(part.encode() for part in answer.split("=", 1)) for answer in answers]
        self.said = b""

    def feed(self, data):
        """Returns what is to be typed after data."""
        self.said += data
        typed = b""
        while self.answers:
            ask, reply = self.answers[0]
            place = self.said.find(ask)
            if place < 0:
                # Enough to find a question that comes in pieces.
                self.said = self.said[-len(ask):]
                break
            self.said = self.said[place + len(ask):]
            typed += reply + b"\r"
            if len(self.answers) > 1:
                self.answers.pop(0)
        return typed

    def serve(self, port):
        """Takes what the port, a socket that does not block, has said, and answers."""
        try:
            data = port.recv(4096)
            if data:
                port.sendall(self.feed(data))
        except (BlockingIOError, ConnectionError):
            return


class Keyboard:
    """Types at QEMU's keyboard, through its monitor, what --keys says."""

    def __init__(self, keys, monitor):
        self.keys = [tuple(part.encode() for part in text.split("=", 1)) for text in keys]
        self.monitor = monitor

    @staticmethod
    def commands(text):
        """What the monitor is to be told, for each key; inner.c does the same."""
        names = [{" ": "spc"}.get(c, c) for c in text.decode()] + ["ret"]
        return [json.dumps({"execute": "send-key", "arguments": {"hold-time": 20, "keys": [{"type": "qcode", "data": name}]}})
                for name in names]

    def listen(self, line):
        """Takes a line of the serial port."""
        for ask, text in self.keys:
            if ask in line:
                self.monitor.sendall("".join(command + "\n" for command in self.commands(text)).encode())


def end_process(process):
    """SIGTERM, then SIGKILL: emulators that hang in a debugger prompt ignore the first."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(sig)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pass


def supervise(name, options, command, work, judge, threads=1, pass_fds=(), listener=None):
    """Runs the emulator in the directory work until it ends or has to be ended.

    judge(ended, code) looks at the emulator's own log and returns (status, text), status None while nothing is decided. It
    is called while the emulator runs and once after its end (ended true, code its exit status), when it has to decide.
    threads: how many busy threads the emulator has. listener: called with each line of the serial port. Returns the exit status for sys.exit.
    """
    os.makedirs(os.path.dirname(os.path.abspath(options.serial)), exist_ok=True)
    serial = Serial(options.serial, options.tee, options.until, options.until_count, options.fatal, listener)
    started = time.monotonic()

    def interrupted(signum, _frame):
        raise KeyboardInterrupt(signal.Signals(signum).name)

    for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(signum, interrupted)

    console = open(os.path.join(work, "console.out"), "wb")
    process = subprocess.Popen(command, cwd=work, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
                               pass_fds=pass_fds)
    running = RunningTime(process, threads)
    status = None
    text = ""
    try:
        while status is None:
            try:
                process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            ended = process.poll() is not None
            seconds = running.seconds()
            serial.poll(seconds)
            if serial.found:
                status, text = POWER_OFF, f"marker '{options.until}' seen"
                break
            if serial.fatal_line is not None:
                status, text = FATAL, f"the guest says '{serial.fatal_line}'"
                break
            status, text = judge(ended, process.returncode)
            if status is not None or ended:
                break
            if seconds > options.timeout:
                status, text = TIMED_OUT, f"no end within {options.timeout} s"
            elif options.stall and seconds - serial.last_growth > options.stall:
                status, text = STALLED, f"serial line silent for {options.stall} s"
    except KeyboardInterrupt as reason:
        status, text = 128 + signal.SIGTERM, f"ended by {reason}"
    finally:
        end_process(process)
        console.close()
    serial.poll(0.0)
    if status == POWER_OFF and options.until and not serial.found:
        status, text = FATAL, f"power-off, but the marker '{options.until}' was never seen"
    print(f"{name}: {text}; {running.processor:.0f} s of processor time, {time.monotonic() - started:.0f} s",
          file=sys.stderr)
    return status


class WorkDirectory:
    """A directory of its own for each run, so that two instances never share a log, a lock or a disk."""

    def __init__(self, keep):
        self.keep = keep
        if keep:
            os.makedirs(keep, exist_ok=True)
            self.path = os.path.abspath(keep)
        else:
            self.path = tempfile.mkdtemp(prefix="ravelin-emulator.")

    def __enter__(self):
        return self.path

    def __exit__(self, *_exception):
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)


def parser_for(description):
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
