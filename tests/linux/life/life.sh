#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: the life of an update (life.c), then raveld with a healthy and an unhealthy one.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

insmod /modules/ravelin.ko || exit 1
/test/life /test/target /test/life-1.suit /test/life-2.suit || failed=1
check "audit" ravelin audit
check "the journal's chain holds" ravelin update log --verify

# raveld: two services, one of them sick after its update.
for service in well sick; do
	mkdir -p updates/$service
	mkfifo $service.in
	/test/target <$service.in >$service.out &
	echo $! >$service.pid
done
exec 4>well.in 5>sick.in
cat >raveld.conf <<CONFIG
[service well]
pid-file = /run/well.pid
health = true
updates = /run/updates/well
deadline = 5s
[service sick]
pid-file = /run/sick.pid
health = exit 7
updates = /run/updates/sick
deadline = 5s
CONFIG
check "raveld reads its configuration" raveld --config raveld.conf --check
raveld --config raveld.conf 2>raveld.log &
raveld=$!
for service in sick well; do
	cp /test/life-3.suit updates/$service/.part
	mv updates/$service/.part updates/$service/life-3.suit
	wait_until test -e updates/$service/applied/life-3.suit -o -e updates/$service/refused/life-3.suit
done
echo a >&4
echo a >&5
usleep 300000
check "raveld: the well service is updated" test -e updates/well/applied/life-3.suit
check "raveld: and answers so" says "answer 2" cat well.out
check "raveld: the sick one is not" test -e updates/sick/refused/life-3.suit
check "raveld: and answers as before" says "answer 1" cat sick.out
check "raveld says why" says "the health check failed: exit status 7" cat updates/sick/refused/life-3.suit.why
check "raveld logs it" says "well: process .* runs sequence 3" cat raveld.log
kill -TERM $raveld
wait $raveld
check "raveld ends when told" test $? = 0
[ $failed = 0 ] || { cat raveld.log; ravelin log | tail -n 20; }
kernel_is_quiet
exit $failed
