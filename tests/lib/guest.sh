# SPDX-License-Identifier: GPL-2.0-only
# guest.sh - what test scripts that run in a guest share; read by them, from /test. Busybox sh.
# shellcheck shell=sh
#
# State: $failed is 1 once something has failed: the script's exit status.

failed=0

passed()
{
	echo "PASS $1"
}

fail() # NAME WHY
{
	echo "FAIL $1: $2"
	failed=1
}

# check NAME COMMAND...: passes if the command succeeds; the end of its output is the reason if not
check()
{
	name=$1
	shift
	if "$@" >check.out 2>&1; then
		passed "$name"
	else
		fail "$name" "status $?: $(tail -n 4 check.out | tr '\n' ';')"
	fi
}

# Exits of all CPUs, but for those that running a program causes: CPUID at each exec, and the question itself.
exits_counted()
{
	ravelin stat | awk '/^    / && $1 != "CPUID" && $1 != "VMCALL" { n += $NF } END { print n + 0 }'
}

# kernel_is_quiet: passes if the kernel has complained about nothing; its messages are in dmesg.out then
kernel_is_quiet()
{
	dmesg >dmesg.out
	if grep -E 'BUG|WARNING|Oops|soft lockup|general protection|unchecked MSR|rcu.*stall|Call Trace' dmesg.out >complaints; then
		fail "the kernel does not complain" "$(head -n 3 complaints | tr '\n' ';')"
	else
		passed "the kernel does not complain"
	fi
}
