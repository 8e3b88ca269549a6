#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The demonstration, as it runs in the guest: two servers with clients connected, updated while they serve, and attacked with bad
# updates. Prints one PASS or FAIL line per fact, a timeline per update, a table, and as its last line `DEMO PASSED` or
# `DEMO FAILED: what`. docs/demonstration.md describes it. In /demo: the servers, the clients and the updates.
export PATH=/demo:$PATH
cd /run || exit 1
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

redis_answers() # REPLY WORD...
{
	want=$1
	shift
	got=$(redis_ask "$@")
	case $got in
	$want) return 0 ;;
	esac
	echo "'$*' gave '$got', not '$want'"
	return 1
}

exploit_gives() # STATUS VALUE: runs the exploit; status 0 it changed the account, 1 the server refused
{
	kvexploit "$KVD_PORT" account 999999
	got=$?
	[ "$got" = "$1" ] || return 1
	kvd_answers "GET account" "VALUE $2"
}

section "Two services, each in a cgroup of its own, and clients that stay connected"
check "Ravelin runs below this Linux" ravelin info
note "$(grep -c '^processor' /proc/cpuinfo) CPUs, Linux $(uname -r)"
start_service kvd kvd -p "$KVD_PORT"
start_service redis redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --save "" --dir /run
check "kvd serves" wait_for kvd.out "listening on"
check "redis-server of Debian serves" wait_for redis.out "Ready to accept connections"
check "kvd is version 1" kvd_answers VERSION "VERSION 1"
check "kvd has an account" kvd_answers "SET account $ACCOUNT" OK
check "kvd: the exploit changes the account" exploit_gives 0 "VALUE 999999"
note "$(cat check.out | head -n 1)"
check "kvd: the account is put right" kvd_answers "SET account $ACCOUNT" OK
check "redis: a key" redis_answers "+OK" SET account "$ACCOUNT"
check "redis: FLUSHALL as packaged loses it" redis_answers "+OK" FLUSHALL
check "redis: it is gone" redis_answers '$-1' GET account
check "redis: a new one" redis_answers "+OK" SET account "$ACCOUNT"
start_load kvd kvclient load -p "$KVD_PORT" -c 4 -w 20000
start_load redis redisclient load -p "$REDIS_PORT" -c 4 -w 20000
check "kvd: clients are connected" wait_for kvd.load started
check "redis: clients are connected" wait_for redis.load started
window "no update"

section "Updates that must not come in"
