#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: updates two servers under load again and again, and prints how long they stood still.
cd /run || exit 1
rounds=7
bar=50000
failed=0

# start NAME PORT TEXT COMMAND...: a server in a cgroup of its own, which has said TEXT, and four clients of it
start()
{
	name=$1 port=$2 text=$3
	shift 3
	mkdir "/sys/fs/cgroup/$name"
	sh -c "echo \$\$ >/sys/fs/cgroup/$name/cgroup.procs; exec \"\$@\"" sh "$@" >"$name.out" 2>&1 &
	tries=0
	until grep -q "$text" "$name.out" || [ $tries -gt 1500 ]; do
		tries=$((tries + 1))
		usleep 20000
	done
}

field() # NAME FILE
{
	sed -n "s/^ *\"$1\": \([0-9]*\).*/\1/p" "$2" | head -n 1
}

phase() # NAME FILE
{
	grep -A 2 "\"name\": \"$1\"" "$2" | sed -n 's/^ *"ticks": \([0-9]*\).*/\1/p'
}

# measure NAME CLIENT PORT ENVELOPE: one line per update, and sets $median, $worst and $pages
measure()
{
	name=$1
	"/test/$2" load -p "$3" -c 4 -w 20000 >"$name.load" 2>&1 &
	load=$!
	pid=$(cat "/sys/fs/cgroup/$name/cgroup.procs")
	sleep 1
	: >pauses
	round=0
	while [ $round -lt $rounds ]; do
		round=$((round + 1))
		if ! ravelin update apply --json --no-confirm --deadline 100s --pid "$pid" "$4" >update.out 2>&1; then
			echo "FAIL $name: update $round is applied: $(tail -n 3 update.out)"
			failed=1
			break
		fi
		pages=$(field pages update.out)
		field pause_ticks update.out >>pauses
		echo "# $name: paused $(field pause_ticks update.out) of freeze $(phase freeze update.out) threads $(phase threads update.out) isolate $(phase isolate update.out) snapshot $(phase snapshot update.out) apply $(phase apply update.out) return $(phase return update.out) resume $(phase resume update.out), freezes $(field freezes update.out)"
		ravelin update rollback "$(field id update.out)" >rollback.out 2>&1 || {
			echo "FAIL $name: update $round is rolled back: $(cat rollback.out)"
			failed=1
		}
	done
	threads=$(ls "/proc/$pid/task" | wc -l)
	kill -TERM $load
	if wait $load && [ "$(wc -l <pauses)" = $rounds ]; then
		echo "PASS $name: $rounds updates, and its clients lost nothing"
	else
		echo "FAIL $name: $rounds updates, and its clients lost nothing: $(tail -n 1 "$name.load")"
		failed=1
	fi
	median=$(sort -n pauses | sed -n "$((rounds / 2 + 1))p")
	worst=$(sort -n pauses | tail -n 1)
}

insmod /modules/ravelin.ko || exit 1
start redis 6379 "Ready to accept connections" redis-server --port 6379 --bind 127.0.0.1 --save "" --dir /run
measure redis redisclient 6379 /test/redis-2.suit
met=no
[ "${median:-$bar}" -ge $bar ] || met=yes
echo "BENCH pause from freeze to resume under Linux (redis, $threads threads, $pages pages), median of $rounds|$median instructions|<= $bar|$met"
echo "BENCH the same, longest|$worst instructions||"
start kvd 7400 "listening on" /test/kvd -p 7400
measure kvd kvclient 7400 /test/kvd-2.suit
echo "BENCH pause from freeze to resume under Linux (kvd, $threads threads, $pages pages, data converted), median of $rounds|$median instructions||"
echo "BENCH the same, longest|$worst instructions||"
exit $failed
