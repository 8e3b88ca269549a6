#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The demonstration, as it runs in the guest: two servers with clients connected, updated while they serve, and attacked with bad
# updates. Prints one PASS or FAIL line per fact, a timeline per update, a table, and as its last line `DEMO PASSED` or
# `DEMO FAILED: what`. docs/demonstration.md describes it. In /demo: the servers, the clients and the updates.
export PATH=/demo:$PATH
cd /run || exit 1
# shellcheck source=tests/linux/demo/lib.sh
. /demo/lib.sh

KVD_PORT=7400
REDIS_PORT=6379
ACCOUNT=1000 # the value of the key that the exploit goes for

kvd_ask()
{
	kvclient ask -p "$KVD_PORT" "$1"
}

redis_ask()
{
	redisclient ask -p "$REDIS_PORT" "$@"
}

kvd_answers() # REQUEST REPLY
{
	got=$(kvd_ask "$1")
	[ "$got" = "$2" ] && return 0
	echo "'$1' gave '$got', not '$2'"
	return 1
}

redis_answers() # PATTERN WORD...: the first line of the reply matches the pattern
{
	want=$1
	shift
	got=$(redis_ask "$@")
	# shellcheck disable=SC2254
	case $got in
	$want) return 0 ;;
	esac
	echo "'$*' gave '$got', not '$want'"
	return 1
}

kvd_remembers() # TEXT: it is somewhere in kvd's variables
{
	pid=$(cat kvd.pid)
	range=$(awk -v exe="$(readlink "/proc/$pid/exe")" '$2 ~ /w/ && ($6 == exe || $6 == "") { print $1; if (seen++) exit }' "/proc/$pid/maps")
	for part in $range; do
		first=$((0x${part%-*} / 4096))
		last=$((0x${part#*-} / 4096))
		dd if="/proc/$pid/mem" bs=4096 skip="$first" count=$((last - first)) 2>/dev/null
	done | grep -a -q -- "$1"
}

kvd_forgot() # TEXT
{
	! kvd_remembers "$1"
}

exploit_gives() # STATUS VALUE: runs the exploit; status 0 it changed the account, 1 the server refused
{
	kvexploit "$KVD_PORT" account 999999
	got=$?
	[ "$got" = "$1" ] || return 1
	kvd_answers "GET account" "VALUE $2"
}

# The update itself: Ravelin's command line tool, with the timeline of the phases. Output to $1.out.
apply() # NAME FILE SERVICE HEALTH-COMMAND
{
	ravelin update apply --timeline --pid "$(cat "$3.pid")" --deadline 5s --health "$4" "/demo/updates/$2" >"$1.out" 2>&1
}

KVD_HEALTH="kvclient ask -p $KVD_PORT HEALTH"
REDIS_HEALTH="redisclient ask -p $REDIS_PORT PING"

# The same by raveld, which watches a directory per service, asks the health command and confirms or rolls back.
hand_to_raveld() # NAME FILE SERVICE
{
	cp "/demo/updates/$2" "updates/$3/.$2"
	mv "updates/$3/.$2" "updates/$3/$2"
	tries=0
	until [ -e "updates/$3/applied/$2" ] || grep -q "$3: update $2 came to nothing" raveld.log; do
		tries=$((tries + 1))
		if [ "$tries" -gt 1500 ] || ! kill -0 "$raveld" 2>/dev/null; then
			echo "raveld does not say what became of it: $(tail -n 3 raveld.log)" >"$1.out"
			return 1
		fi
		usleep 20000
	done
	grep "raveld: $3: " raveld.log >"$1.out"
	[ -e "updates/$3/applied/$2" ]
}

unharmed() # VERSION: kvd is healthy, of that version, and holds what it held
{
	kvd_answers HEALTH HEALTHY && kvd_answers VERSION "VERSION $1" && kvd_answers "GET account" "VALUE $ACCOUNT"
}

same_code() # DIGEST
{
	[ "$(text_sum kvd)" = "$1" ]
}

# An update of kvd that must come to nothing. LABEL FILE OUTCOME VERSION SENTENCE [HOW]: the sentence is a part of what must be
# said, VERSION is the one that must go on running, HOW is apply or hand_to_raveld.
bad_update()
{
	code=$(text_sum kvd)
	window
	if "${6:-apply}" bad "$2" kvd "$KVD_HEALTH"; then
		failed "$1" "it was applied"
	elif grep -q -- "$5" bad.out; then
		passed "$1: $3, and it is said why"
	else
		failed "$1: says why" "'$5' is not in: $(tr '\n' ' ' <bad.out)"
	fi
	why=$(grep -- "$5" bad.out | head -n 1 | sed 's/^.*[.]suit: [a-z ]*: //; s/^.*came to nothing: //')
	sed 's/^/     /' bad.out
	window
	check "$1: version $4 of kvd is healthy and complete" unharmed "$4"
	check "$1: every byte of kvd's code is as before" same_code "$code"
	row "$1" "$3" "$kvd_gap" "$redis_gap" "$why"
}

section "Two services, each in a cgroup of its own, and clients that stay connected"
note "$(grep -c '^processor' /proc/cpuinfo) CPUs, Linux $(uname -r)"
check "the module ravelin.ko loads" insmod /modules/ravelin.ko
check "ravelin check finds all that is needed" ravelin check
sed 's/^/     /' check.out
check "Ravelin runs below this Linux" ravelin info
sed 's/^/     /' check.out
start_service kvd kvd -p "$KVD_PORT"
start_service redis redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --save "" --dir /run
check "kvd serves" wait_for kvd.out "listening on"
check "redis-server of Debian serves" wait_for redis.out "Ready to accept connections"
check "kvd is version 1" kvd_answers VERSION "VERSION 1"
check "kvd has an account" kvd_answers "SET account $ACCOUNT" OK
check "kvd: the exploit changes the account" exploit_gives 0 999999
note "$(head -n 1 check.out)"
check "kvd: the account is put right" kvd_answers "SET account $ACCOUNT" OK
check "redis: a key" redis_answers "+OK" SET account "$ACCOUNT"
check "redis: FLUSHALL as packaged loses it" redis_answers "+OK" FLUSHALL
check "redis: it is gone" redis_answers '$-1' GET account
check "redis: a new one" redis_answers "+OK" SET account "$ACCOUNT"
mkdir -p updates/kvd updates/redis
cat >raveld.conf <<CONFIG
[service kvd]
pid-file = /run/kvd.pid
health = $KVD_HEALTH
updates = /run/updates/kvd
deadline = 5s
[service redis]
cgroup = /sys/fs/cgroup/redis
health = $REDIS_HEALTH
updates = /run/updates/redis
deadline = 5s
CONFIG
check "raveld knows how to watch both services" raveld --config raveld.conf --check
raveld --config raveld.conf 2>raveld.log &
raveld=$!
start_load kvd kvclient load -p "$KVD_PORT" -c 4 -w 20000
start_load redis redisclient load -p "$REDIS_PORT" -c 4 -w 20000
check "kvd: clients are connected" wait_for kvd.load started
check "redis: clients are connected" wait_for redis.load started
sleep 1
window # without the first second, in which everything is new
sleep 1
window
row "(none)" "" "$kvd_gap" "$redis_gap" "one second without an update"


section "Updates that must not come in"
bad_update "tampered" kvd-tampered.suit refused 1 "the payload does not have the digest that the manifest names"
bad_update "wrong key" kvd-wrong-key.suit refused 1 "signed by a key that is not the trust anchor"
bad_update "for other code" kvd-other-code.suit refused 1 "does not hold the expected old code"

section "Updates that fail and are rolled back"
bad_update "loses a key" kvd-loses-key.suit "rolled back" 1 "self-check failed"
bad_update "loops" kvd-loops.suit "rolled back" 1 "died while it held the target"
if [ -n "${CPUS_IN_TURNS:-}" ]; then
	echo "SKIP redis went on while kvd stood still for the watchdog: the CPUs of this machine run in turns, its gaps say nothing"
else
	check "redis went on while kvd stood still for the watchdog" test "$redis_gap" -lt "$kvd_gap"
fi
bad_update "fails health check" kvd-sick.suit "rolled back" 1 "health" hand_to_raveld

section "Both services get their update in the same second, clients connected"
window
began=$(cut -d' ' -f1 /proc/uptime)
apply kvd-good kvd-2.suit kvd "$KVD_HEALTH" &
kvd_apply=$!
apply redis-good redis-2.suit redis "$REDIS_HEALTH" &
redis_apply=$!
wait "$kvd_apply"
check "kvd: updated" test $? = 0
wait "$redis_apply"
check "redis: updated" test $? = 0
ended=$(cut -d' ' -f1 /proc/uptime)
check "both were updated within one second" awk -v took="$ended $began" 'BEGIN { split(took, t, " "); exit t[1] - t[2] > 1 }'
note "from $began to $ended seconds of uptime"
for service in kvd redis; do
	note "$service:"
	sed 's/^/       /' "$service-good.out"
done
window
for service in kvd redis; do
	row "$service, both at once" applied "$kvd_gap" "$redis_gap" "$(grep -o 'paused for .*' $service-good.out)"
done
check "kvd: version 2 is healthy and has everything" unharmed 2
check "kvd: the exploit is refused" exploit_gives 1 "$ACCOUNT"
note "$(head -n 1 check.out)"
check "redis: FLUSHALL is refused" redis_answers "-ERR FLUSHALL refused: * keys would be lost" FLUSHALL
note "$(redis_ask FLUSHALL)"
check "redis: the key is still there" redis_answers '$4' GET account

section "An updated function is updated once more, clients connected"
check "kvd: a secret is stored" kvd_answers "SET secret very-long-secret" OK
check "kvd: and removed" kvd_answers "DEL secret" OK
check "kvd: version 2 leaves it in memory" kvd_remembers very-long-secret
bad_update "for version 1" kvd-again.suit refused 2 "does not hold the expected old code"
window
check "kvd: updated from version 2 to version 3" apply kvd-third kvd-3.suit kvd "$KVD_HEALTH"
sed 's/^/     /' kvd-third.out
window
row "kvd, once more" applied "$kvd_gap" "$redis_gap" "$(grep -o 'paused for .*' kvd-third.out)"
check "kvd: version 3 is healthy and has everything" unharmed 3
check "kvd: version 3 has wiped what version 2 left" kvd_forgot very-long-secret
check "kvd: the exploit is refused as before" exploit_gives 1 "$ACCOUNT"
bad_update "older version" kvd-older.suit refused 3 "is not above the one already applied"

section "What the clients saw"
for service in kvd redis; do
	load=$(cat $service.loadpid)
	kill -TERM "$load" 2>/dev/null
	wait "$load"
	check "$service: no connection, reply or key was lost" test $? = 0
	note "$(grep result= $service.load)"
	[ ! -s $service.err ] || note "$(cat $service.err)"
done
kill -TERM "$raveld"
wait "$raveld"
check "raveld ends when it is asked to" test $? = 0
check "the log of all attempts is complete and unchanged" ravelin update log
cp check.out log.out
sed 's/^/     /' check.out
check "the log names the tampered file by its digest" grep -q "file  $(sha256sum /demo/updates/kvd-tampered.suit | cut -c 1-16)" log.out
check "the live tables grant nothing that they must not" ravelin audit
printf '\n'
table
printf '\n'
if [ -n "$failures" ]; then
	echo "DEMO FAILED: $failures"
	exit 1
fi
echo "DEMO PASSED"
