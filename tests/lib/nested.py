# SPDX-License-Identifier: GPL-2.0-only
"""The whole machine on a computer without VMX: Bochs runs Linux with KVM, which runs QEMU. See docs/nested.md.

A Job is one run of the inner machine; an Outer machine runs several one after another, since its own start takes longest.
Test scripts do not use this: they call tests/lib/guest-test with the platform `nested`, or tests/lib/nested.
"""

import json
import os
import shutil
import subprocess
import sys
import time

import emulator

LIB = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(LIB))
POLL_SECONDS = 0.5

# An emulated second costs about this many of a real one. The limits of a job are real seconds, those of the inner machine
# emulated ones.
SECONDS_PER_EMULATED = 3
# What the outer Linux, QEMU and the image in memory need besides the inner machine's memory.
OUTER_MEMORY = 768
# Until the first job: firmware, GRUB, Linux; and how long its console may be silent (the supervisor reports every five seconds).
START_SECONDS = 400
STALL_SECONDS = 200

OUTER_CMDLINE = ("console=ttyS0,115200 quiet idle=halt cryptomgr.notests mitigations=off nokaslr tsc=reliable "
                 "nohpet no_timer_check nowatchdog rcupdate.rcu_expedited=1")

# What make builds for the outer machine.
PRODUCTS = ("inner", "nmitick/nmitick.ko")


def is_direct():
    """True if KVM on this computer offers nested VMX, so that no outer machine is needed."""
    environment = {name: value for name, value in os.environ.items() if name != "RAVELIN_PLATFORM"}
    found = subprocess.run([os.path.join(LIB, "platform")], stdout=subprocess.PIPE, check=True, text=True, env=environment)
    return found.stdout.strip() == "kvm"


class Job:
    """One boot of the inner machine: image, size, limits, and where its serial output goes."""

    FIELDS = ("iso", "serial", "cpus", "memory", "timeout", "stall", "until", "until_count", "fatal", "reset", "device", "tpm", "answer", "keys")

    def __init__(self, **fields):
        for name in self.FIELDS:
            setattr(self, name, fields[name])
        self.status = None
        self.text = ""

    @classmethod
    def from_options(cls, options):
        fields = {name: getattr(options, name) for name in cls.FIELDS}
        fields["iso"] = os.path.abspath(options.iso)
        fields["serial"] = os.path.abspath(options.serial)
        return cls(**fields)

    def as_json(self):
        return json.dumps({name: getattr(self, name) for name in self.FIELDS})

    def description(self):
        """What tests/nested/inner.c reads."""
        def emulated(seconds):
            return -(-seconds // SECONDS_PER_EMULATED)

        lines = [("cpus", self.cpus), ("memory", self.memory), ("timeout", emulated(self.timeout)),
                 ("stall", emulated(self.stall)), ("reset", self.reset), ("until-count", self.until_count), ("tpm", int(self.tpm))]
        lines += [("until", self.until)] if self.until else []
        lines += [("fatal", text) for text in self.fatal] + [("device", text) for text in self.device]
        lines += [("answer", text) for text in self.answer] + [("keys", text) for text in self.keys]
        return "".join(f"{key}={value}\n" for key, value in lines)

    def end(self, status, text):
        if self.status is None:
            self.status = status
            self.text = text


class Frames:
    """Takes the frames of tests/nested/inner.c apart as the file grows; each job's bytes go to its serial file."""

    def __init__(self, path, jobs, ended):
        self.path = path
        self.jobs = jobs
        self.ended = ended
        self.offset = 0
        self.data = b""
        self.error = None

    def poll(self):
        try:
            with open(self.path, "rb") as stream:
                stream.seek(self.offset)
                data = stream.read()
        except FileNotFoundError:
            return
        self.offset += len(data)
        self.data += data
        while self.error is None and self.take():
            pass

    def take(self):
        """One frame; returns False if it is not complete yet."""
        head, newline, rest = self.data.partition(b"\n")
        if not newline:
            return False
        try:
            words = head[1:].decode("utf-8", "replace").split(" ", 2)
            job = self.jobs[int(words[0])]
            if head[:1] == b"@":
                length = int(words[1])
                if len(rest) < length:
                    return False
                with open(job.serial, "ab") as serial:
                    serial.write(rest[:length])
                rest = rest[length:]
            elif head[:1] == b"=":
                job.end(int(words[1]), words[2])
                self.ended(job)
            else:
                raise ValueError
        except (ValueError, IndexError):
            self.error = f"the outer machine wrote something else than frames: {head[:80]!r}"
        self.data = rest
        return True


class Outer:
    """The outer machine. build: the build directory with what make made; work: a directory for image and logs."""

    def __init__(self, build, work):
        self.build = os.path.abspath(build)
        self.work = os.path.abspath(work)
        self.text = ""
        os.makedirs(self.work, exist_ok=True)

    def make_image(self, jobs):
        """Returns the path of the ISO image that boots the outer Linux, with the jobs inside."""
        inner, tick = (os.path.join(self.build, "tests/nested", name) for name in PRODUCTS)
        for product in (inner, tick):
            if not os.path.exists(product):
                raise OSError(f"{product} is missing: run make")
        names = subprocess.run([os.path.join(ROOT, "scripts/fetch-kernel"), "--build", self.build, "cloud"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout
        kernel = dict(line.split("=", 1) for line in names.split())
        folder = os.path.join(self.work, "jobs")
        shutil.rmtree(folder, ignore_errors=True)
        for number, job in enumerate(jobs):
            place = os.path.join(folder, str(number))
            os.makedirs(place)
            shutil.copyfile(job.iso, os.path.join(place, "cd.iso"))
            with open(os.path.join(place, "job"), "w", encoding="utf-8") as file:
                file.write(job.description())
        initrd, machine, iso = (os.path.join(self.work, name) for name in ("initrd", "machine.cpio", "outer.iso"))
        initramfs = os.path.join(LIB, "initramfs")
        # GRUB reads through the BIOS, which is slow in an emulator: it loads no more than what can read the rest by DMA.
        subprocess.run([initramfs, "-o", initrd, "--moddir", kernel["MODDIR"], "--kmod", "ata_piix", "--kmod", "sr_mod",
                        "--kmod", "isofs", "--kmod", "kvm-intel", "--ko", tick, "--file", inner,
                        "--test", os.path.join(ROOT, "tests/nested/outer.sh")], check=True)
        subprocess.run([initramfs, "-o", machine, "--program", "qemu-system-x86_64", "--program", "swtpm",
                        "--file", "/usr/share/seabios/bios-256k.bin:/usr/share/seabios/bios-256k.bin",
                        "--file", "/usr/share/qemu/kvmvapic.bin:/usr/share/qemu/kvmvapic.bin"], check=True)
        subprocess.run([os.path.join(ROOT, "scripts/mkiso"), "--bare", "--add", machine, "--add", folder, kernel["KERNEL"],
                        initrd, iso], check=True, env=dict(os.environ, CMDLINE=OUTER_CMDLINE, HVCMDLINE=""))
        shutil.rmtree(folder)
        for part in (initrd, machine):
            os.unlink(part)
        return iso

    def run(self, jobs, ended=lambda job: None):
        """Runs the jobs; calls ended(job) after each. All have a status afterwards."""
        for job in jobs:
            os.makedirs(os.path.dirname(job.serial), exist_ok=True)
            with open(job.serial, "wb"):
                pass
        stream, console = os.path.join(self.work, "frames"), os.path.join(self.work, "console")
        for old in (stream, console):
            if os.path.exists(old):
                os.unlink(old)
        try:
            iso = self.make_image(jobs)
        except (OSError, subprocess.CalledProcessError) as error:
            self.finish(jobs, ended, emulator.USAGE, f"cannot make the image of the outer machine: {error}")
            return
        limit = START_SECONDS + sum(job.timeout for job in jobs)
        memory = OUTER_MEMORY + max(job.memory for job in jobs)
        command = [os.path.join(LIB, "bochs"), "--cpus", "1", "--memory", str(memory), "--timeout", str(limit),
                   "--stall", str(STALL_SECONDS), "--serial", console,
                   "--work", os.path.join(self.work, "emulator"), "--fatal", "end Kernel panic",
                   "--config", f"com2: enabled=1, mode=file, dev={stream}", iso]
        frames = Frames(stream, jobs, ended)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
        message = None
        try:
            while message is None:
                try:
                    message = process.communicate(timeout=POLL_SECONDS)[1]
                except subprocess.TimeoutExpired:
                    frames.poll()
        finally:
            process.terminate()
        frames.poll()
        os.unlink(iso)
        self.text = (message.strip().split("\n") or [""])[-1]
        why = frames.error or f"the outer machine ended before: {self.complaint(console) or self.text} (see {console})"
        self.finish(jobs, ended, emulator.FATAL, why)

    @staticmethod
    def complaint(console):
        """The first FAIL line of tests/nested/outer.sh, if there is one."""
        try:
            with open(console, encoding="utf-8", errors="replace") as lines:
                return next((line.strip() for line in lines if line.startswith("FAIL ")), None)
        except FileNotFoundError:
            return None

    @staticmethod
    def finish(jobs, ended, status, text):
        for job in jobs:
            if job.status is None:
                job.end(status, text)
                ended(job)


class Batch:
    """A directory where jobs of several programs wait for one outer machine. Files: NAME.job, then NAME.result."""

    def __init__(self, path):
        self.path = path

    def submit(self, job, tee):
        """For the client: queues the job and waits for its end."""
        name = os.path.join(self.path, str(os.getpid()))
        with open(name + ".part", "w", encoding="utf-8") as file:
            file.write(job.as_json())
        os.rename(name + ".part", name + ".job")
        serial = emulator.Serial(job.serial, tee, None, 1)
        while not os.path.exists(name + ".result"):
            if not os.path.isdir(self.path):
                job.end(emulator.FATAL, "the batch ended before")
                return
            time.sleep(POLL_SECONDS)
            serial.poll(0.0)
        serial.poll(0.0)
        with open(name + ".result", encoding="utf-8") as file:
            result = json.load(file)
        job.end(result["status"], result["text"])

    def collect(self):
        """For the server: jobs that are not taken yet, with their names."""
        found = []
        for entry in sorted(os.listdir(self.path)):
            if entry.endswith(".job"):
                path = os.path.join(self.path, entry)
                with open(path, encoding="utf-8") as file:
                    job = Job(**json.load(file))
                job.name = path[:-len(".job")]
                os.rename(path, job.name + ".taken")
                found.append(job)
        return found

    @staticmethod
    def answer(job):
        with open(job.name + ".answer", "w", encoding="utf-8") as file:
            json.dump({"status": job.status, "text": job.text}, file)
        os.rename(job.name + ".answer", job.name + ".result")
