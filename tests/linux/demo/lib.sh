# SPDX-License-Identifier: GPL-2.0-only
# lib.sh - what demo.sh is made of; read by it, in its current directory. Busybox sh.
# shellcheck shell=sh
#
# State: $failures names of failed checks; $windows how many windows the loads were asked for; rows one line per row of the
# closing table; NAME.pid, NAME.out, NAME.load, NAME.err, NAME.loadpid of each service.

failures=
windows=0
: >rows

section()
{
	printf '\n== %s ==\n' "$*"
}

note()
{
	printf '     %s\n' "$*"
}

passed()
{
	echo "PASS $1"
}

failed() # NAME WHY
{
	echo "FAIL $1: $2"
	failures="$failures${failures:+; }$1"
}

# check NAME COMMAND...: the command's output, kept in check.out, is the reason if it fails
check()
{
	name=$1
	shift
	if "$@" >check.out 2>&1; then
		passed "$name"
	else
		failed "$name" "$(tr '\n' ' ' <check.out)"
		return 1
	fi
}

# wait_for FILE TEXT: until the file has a line with the text, at most 30 s
wait_for()
{
	tries=0
	until grep -q -- "$2" "$1" 2>/dev/null; do
		tries=$((tries + 1))
		if [ "$tries" -gt 1500 ]; then
			echo "'$2' did not appear in $1: $(tail -n 3 "$1" | tr '\n' ' ')"
			return 1
		fi
		usleep 20000
	done
}

# start_service NAME COMMAND...: in the cgroup NAME; output to NAME.out
start_service()
{
	service=$1
	shift
	mkdir "/sys/fs/cgroup/$service"
	sh -c "echo \$\$ >/sys/fs/cgroup/$service/cgroup.procs; echo \$\$ >$service.pid; exec \"\$@\"" sh "$@" >"$service.out" 2>&1 &
}

# start_load NAME COMMAND...: a load generator (tests/linux/demo/load.h); output to NAME.load
start_load()
{
	service=$1
	shift
	"$@" >"$service.load" 2>"$service.err" &
	echo $! >"$service.loadpid"
}

load_figure() # NAME FIELD: of the window that was closed last
{
	sed -n "s/.* window=$windows .*$2=\([0-9]*\).*/\1/p" "$1.load"
}

# window: closes the loads' window; sets kvd_gap and redis_gap to their longest gaps in it, in microseconds
window()
{
	windows=$((windows + 1))
	for service in kvd redis; do
		kill -USR1 "$(cat $service.loadpid)" 2>/dev/null
		# a load that has ended early has printed its result
		wait_for $service.load "window=$windows \\|result=" >window.out
		grep -q "window=$windows " $service.load ||
			failed "$service: clients are connected" "$(cat $service.err window.out)"
	done
	kvd_gap=$(load_figure kvd longest_gap_us)
	redis_gap=$(load_figure redis longest_gap_us)
}

# text_sum NAME: a digest of the code of the service's executable, as its process has it in memory
text_sum()
{
	pid=$(cat "$1.pid")
	range=$(awk -v exe="$(readlink "/proc/$pid/exe")" '$2 ~ /x/ && $6 == exe { print $1; exit }' "/proc/$pid/maps")
	first=$((0x${range%-*} / 4096))
	last=$((0x${range#*-} / 4096))
	dd if="/proc/$pid/mem" bs=4096 skip="$first" count=$((last - first)) 2>/dev/null | sha256sum
}

# A table row: update, outcome, longest gap of each service's clients, why. Columns are tabs apart until the end.
row()
{
	printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" >>rows
}

table()
{
	awk -F '\t' '
		BEGIN { printf "%-34s %-12s %10s %10s  %s\n", "update", "outcome", "kvd gap", "redis gap", "why" }
		{ printf "%-34s %-12s %7s us %7s us  %s\n", $1, $2, $3, $4, $5 }' rows
}
