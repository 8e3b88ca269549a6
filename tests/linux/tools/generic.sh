#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest, with Debian's kernel for all machines: the module loads, and FIMCEs run on both kinds of CPUs.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

is_generic()
{
	uname -r
	case $(uname -r) in *cloud*) return 1 ;; *-amd64) return 0 ;; *) return 1 ;; esac
}
check "this is the generic kernel" is_generic
check "the module loads" insmod /modules/ravelin.ko
check "Ravelin is here" says "trust anchor" ravelin info
free_before=$(ravelin info --json | grep pool_free_bytes)
head -c 100000 /dev/urandom >input
digest=$(sha256sum <input | cut -d' ' -f1)
check "run on a borrowed CPU: the digest is right" says "^$digest$" ravelin run /test/sha256.img --input input
check "run on a CPU of its own: the digest is right" says "^$digest$" ravelin run /test/sha256.img --input input --cpu 1
check "the CPU is back" test "$(nproc)" = 2
check "no page of the pool is lost" test "$(ravelin info --json | grep pool_free_bytes)" = "$free_before"
check "audit after all that" says "grant nothing" ravelin audit
check "the module unloads" rmmod ravelin
kernel_is_quiet
exit $failed
