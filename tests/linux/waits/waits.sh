#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: waits.c, then what Ravelin and the kernel say about it.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

insmod /modules/ravelin.ko || exit 1
/test/waits /test/waits-target /test/waits.suit /run/waits.page || failed=1
check "audit" ravelin audit
kernel_is_quiet
exit $failed
