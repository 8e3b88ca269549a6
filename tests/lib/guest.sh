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

# says TEXT COMMAND...: the command succeeds and says TEXT. For check.
says()
{
	status 0 "$@"
}

# status WANTED TEXT COMMAND...: the command ends with this exit status and says TEXT. For check.
status()
{
	wanted=$1 text=$2
	shift 2
	"$@" >says.out 2>&1
	got=$?
	[ "$got" = "$wanted" ] && grep -q -- "$text" says.out && return
	echo "status $got, '$text' is wanted with $wanted:"
	cat says.out
	return 1
}

# wait_until COMMAND...: until the command succeeds, for 500 tries of 20 ms
wait_until()
{
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -le 500 ] || return 1
		usleep 20000
	done
}

# start_service NAME TEXT COMMAND...: in a cgroup of its own, as an update wants it; returns when it says TEXT in NAME.out. $pid is its process.
start_service()
{
	service=$1 text=$2
	shift 2
	mkdir "/sys/fs/cgroup/$service"
	sh -c "echo \$\$ >/sys/fs/cgroup/$service/cgroup.procs; exec \"\$@\"" sh "$@" >"$service.out" 2>&1 &
	wait_until grep -q "$text" "$service.out"
	pid=$(cat "/sys/fs/cgroup/$service/cgroup.procs")
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
