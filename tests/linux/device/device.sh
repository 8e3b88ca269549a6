#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: tasks with devices of their own. In /test: prompt.suit and edu-copy.suit, signed with the key that Ravelin trusts,
# argument (the prompt's), the same for the other prompts, portwatch. Somebody types at COM2: the right password, then a wrong one, then the right one for ever.
# TURNS (kernel command line): how often each task runs in the end. EDU=1: the machine has a VT-d unit and an edu. KEYS=1: "correct horse 4" and Enter
# are typed at its keyboard when this script says NOW TYPE.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

free_bytes()
{
	ravelin info --json | sed -n 's/.*"pool_free_bytes": \([0-9]*\).*/\1/p'
}
pool_is() # BYTES
{
	now=$(free_bytes)
	echo "$now bytes are free, not $1"
	[ "$now" = "$1" ]
}
driver_holds_nothing()
{
	ravelin info --json | grep -q '"fimces": 0' && ! grep -q ravelin-fimce /proc/ioports /proc/interrupts
}
interrupts() # LINE: how many of it all CPUs have had
{
	awk -v line="$1:" '$1 == line { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i } END { print sum + 0 }' /proc/interrupts
}
line_interrupts() # LINE BEFORE: more than BEFORE
{
	[ "$(interrupts "$1")" -gt "$2" ]
}

check "the module loads" insmod /modules/ravelin.ko
check "the log knows nothing of devices yet" sh -c '! ravelin log | grep -q "left the guest for FIMCE"'

# --- the second serial port
if grep -q '02f8-02ff : serial' /proc/ioports; then
	check "a port that a driver has is refused, by its name" status 1 "Linux uses ports 0x2f8 to 0x2ff for 'serial'" \
		ravelin run /test/prompt.suit --input /test/argument
	for port in /sys/bus/pnp/devices/*; do
		grep -q '0x2f8-0x2ff' "$port/resources" 2>/dev/null && break
	done
	check "the driver lets the port go" sh -c "echo ${port##*/} >/sys/bus/pnp/drivers/serial/unbind"
fi
before=$(free_bytes)
portwatch=
/test/portwatch watch.ready >watch.out 2>&1 &
portwatch=$!
wait_until test -e watch.ready
check "the right password, typed at COM2" says "^prompt: result 0" taskset -c 1 ravelin run /test/prompt.suit --input /test/argument
if wait "$portwatch"; then
	passed "a spy in the guest sees nothing at COM2 meanwhile: $(cat watch.out)"
else
	fail "a spy in the guest sees nothing at COM2 meanwhile" "$(cat watch.out)"
fi
check "a wrong password" status 1 "EACCES" ravelin run /test/prompt.suit --input /test/argument

# --- its interrupt line
runs_with_line()
{
	grep -q ravelin-fimce /proc/interrupts && ravelin ps | grep -q 'prompt-interrupt.*running'
}
keyboard=/sys/bus/platform/drivers/i8042
keyboards()
{
	grep -c 'AT Translated Set 2 keyboard' /proc/bus/input/devices
}
keyboard_is_back()
{
	[ "$(keyboards)" = 1 ]
}
has_keyboard=
[ ! -e $keyboard/i8042 ] || ! keyboard_is_back || has_keyboard=1

ravelin run --cpu 1 /test/prompt-interrupt.suit --input /test/argument-interrupt >line.out 2>&1 &
run=$!
check "a prompt with the port's interrupt line runs" wait_until runs_with_line
audited=$(ravelin audit 2>&1)
second=$(ravelin run --cpu 1 /test/prompt-interrupt.suit --input /test/argument-interrupt 2>&1)
if [ "$has_keyboard" ]; then
	# The driver masks its line, gives it back and takes it again: all of that goes through the IOAPIC's registers.
	before_keyboard=$(interrupts 1)
	echo i8042 >$keyboard/unbind
	echo i8042 >$keyboard/bind
	wait_until keyboard_is_back
	after_keyboard=$(interrupts 1)
fi
before_console=$(interrupts 4)
echo "# the console is another line" >/dev/ttyS0
wait_until line_interrupts 4 "$before_console"
after_console=$(interrupts 4)
check "the task still runs: all that follows was while the line was away" kill -0 "$run"
if [ "$has_keyboard" ]; then
	check "Linux had its keyboard again" keyboard_is_back
	check "and interrupts of it: $before_keyboard, then $after_keyboard" test "$after_keyboard" -gt "$before_keyboard"
else
	echo "SKIP another line is given up and taken again: Linux has no keyboard here"
fi
check "the console's line interrupted: $before_console, then $after_console" test "$after_console" -gt "$before_console"
check "the audit found nothing" sh -c 'echo "$1" | grep -q "grant nothing"' - "$audited"
check "no second FIMCE got the line" sh -c 'echo "$1" | grep -q "0x2f8 to 0x2ff for .ravelin-fimce.\|interrupt line 3"' - "$second"
if wait "$run" && grep -q '^prompt-interrupt: result 0' line.out; then
	passed "the right password came by interrupts"
else
	fail "the right password came by interrupts" "$(tr '\n' ';' <line.out)"
fi
check "the task counted them" says 'prompt: [1-9][0-9]* interrupts' ravelin log
check "the module holds nothing of the line" driver_holds_nothing
# As with a function below: where the EPT had an entry of 1 GiB.
first=$(free_bytes)
check "a line's first use keeps a page for tables, no more" test $((before - first)) -le 4096
before=$first
if [ -n "${port:-}" ]; then
	check "the driver takes port and line" sh -c "echo ${port##*/} >/sys/bus/pnp/drivers/serial/bind"
	exec 4>/dev/ttyS1
	before_port=$(interrupts 3)
	echo "hello" >&4
	check "the line interrupts Linux again" wait_until line_interrupts 3 "$before_port"
	exec 4>&-
	check "the driver lets them go" sh -c "echo ${port##*/} >/sys/bus/pnp/drivers/serial/unbind"
fi
check "audit after the line" says "grant nothing" ravelin audit

# Somebody types there when this script says so: as soon as the task waits.
typed_at_the_keyboard()
{
	/test/keywatch key.ready >key.out 2>&1 &
	spy=$!
	wait_until test -e key.ready
	waits=$(prompts_waiting)
	taskset -c 1 ravelin run /test/prompt-keyboard.suit --input /test/argument-typed >typed.out 2>&1 &
	run=$!
	check "a prompt waits at the keyboard" wait_until prompt_waits_again
	echo "     NOW TYPE"
	if wait "$run" && grep -q "^prompt-keyboard: result 0" typed.out; then
		passed "the right password, typed at the keyboard"
	else
		fail "the right password, typed at the keyboard" "$(tail -n 3 typed.out | tr '\n' ';')"
	fi
	if wait "$spy"; then
		passed "a spy in the guest sees nothing at the keyboard meanwhile: $(cat key.out)"
	else
		fail "a spy in the guest sees nothing at the keyboard meanwhile" "$(cat key.out)"
	fi
}
prompts_waiting()
{
	ravelin log | grep -c "waits for a password"
}
prompt_waits_again()
{
	[ "$(prompts_waiting)" -gt "$waits" ]
}
# The keyboard, at which nobody types: the controller answers the task, and the guest's driver again afterwards.
if [ "$has_keyboard" ]; then
	check "a keyboard that a driver has is refused" status 1 "Linux uses ports 0x60 to 0x60 for 'keyboard'" \
		ravelin run /test/prompt-keyboard.suit --input /test/argument-keyboard
	check "its driver lets the keyboard go" sh -c "echo i8042 >$keyboard/unbind"
	if [ "${KEYS:-0}" = 1 ]; then
		typed_at_the_keyboard
	else
		echo "SKIP keys: nobody can type at the keyboard of this machine"
	fi
	check "nobody types at the keyboard" status 1 "ETIME" ravelin run /test/prompt-keyboard.suit --input /test/argument-keyboard
	echo i8042 >$keyboard/bind
	check "the guest has its keyboard again" wait_until keyboard_is_back
else
	echo "SKIP the keyboard: Linux has none here"
fi
check "audit after the prompts" says "grant nothing" ravelin audit
check "an unsigned image gets no device" status 1 "unsigned image asked for capabilities" ravelin run /test/prompt.img --input /test/argument

turn=0 right=0
while [ $turn -lt "$TURNS" ]; do
	ravelin run /test/prompt.suit --input /test/argument >turn.out 2>&1 && right=$((right + 1))
	turn=$((turn + 1))
done
check "$TURNS prompts in a row" test "$right" = "$TURNS"
check "nothing of the pool is lost" pool_is "$before"
check "the module holds nothing" driver_holds_nothing

# --- QEMU's edu
device=
for each in /sys/bus/pci/devices/*; do
	[ "$(cat "$each/vendor"):$(cat "$each/device")" = 0x1234:0x11e8 ] && device=$each
done
if [ "${EDU:-0}" != 1 ]; then
	# Without a unit for its DMA no PCI function can be given away.
	if [ -n "$device" ]; then
		check "without VT-d: refused" status 1 "VT-d" ravelin run /test/edu-copy.suit --input /test/argument
	else
		check "an absent device: refused" status 1 "this machine has none" ravelin run /test/edu-copy.suit --input /test/argument
	fi
	check "audit after all" says "grant nothing" ravelin audit
	kernel_is_quiet
	exit "$failed"
fi
function=${device##*/0000:}
echo 1 >"$device/enable"
base=$(cut -d' ' -f1 "$device/resource" | head -n 1)

edu_answers()
{
	devmem $((base + 4)) 32 0x12345678
	devmem $((base + 8)) 32 5
	answer="$(devmem "$base" 32) $(devmem $((base + 4)) 32) $(devmem $((base + 8)) 32)"
	echo "it says '$answer'"
	[ "$answer" = "0x010000ED 0xEDCBA987 0x00000078" ]
}
config() # the first 64 bytes of configuration space, but for the status register
{
	od -An -v -tx1 -w64 -N64 "$device/config" | cut -d' ' -f2-7,10-
}
runs_away() # while a task runs there: is the device away?
{
	[ "$(od -An -tx1 -N4 "$device/config")" = " ff ff ff ff" ]
}

check "the guest uses the edu" edu_answers
config_before=$(config)
head -c 65536 /dev/urandom >input
ravelin run --cpu 1 --json /test/edu-copy.suit --device "$function" --input input --output copy >run.out 2>&1 &
run=$!
wait_until runs_away
check "the edu leaves the guest" runs_away
check "its registers can't be read" sh -c "! devmem $base 32"
check "its registers can't be written" sh -c "! devmem $((base + 0x80)) 32 1"
printf '\007\000' | dd of="$device/config" bs=1 seek=4 conv=notrunc 2>/dev/null
check "its configuration can't be read" runs_away
check "audit while it is away" says "grant nothing" ravelin audit
check "no second FIMCE gets it" status 1 "Linux driver has this device" ravelin run --cpu 1 /test/edu-copy.suit --input input
check "the task still runs: all of this was while the device was away" kill -0 "$run"
# The refused accesses have killed the two devmem; that is no complaint.
kernel_saw_only_those()
{
	dmesg -c >dmesg.out
	test "$(grep -c 'traps: devmem.* general protection' dmesg.out)" = 2 &&
		! grep -v 'traps: devmem' dmesg.out | grep -E 'BUG|WARNING|Oops|general protection|Call Trace'
}
check "the kernel has seen two general protection faults" kernel_saw_only_those
if wait "$run"; then
	passed "edu-copy ends well"
else
	fail "edu-copy ends well" "$(tr '\n' ';' <run.out)"
fi
check "edu has copied by DMA" cmp input copy
check "each transfer has interrupted" says "edu-copy: 65536 bytes, 34 interrupts" ravelin log
exits=$(sed -n 's/.*"exits": \([0-9]*\).*/\1/p' run.out)
check "each interrupt was one exit: $exits" test "${exits:-0}" -ge 34 -a "${exits:-0}" -le 44
check "the log has the guest's attempts" says "touched configuration space or ports of a FIMCE's device" ravelin log
check "the log has the touch of its registers" says "touched hidden memory" ravelin log
check "the device went and came back" says "is the guest's again" ravelin log
check "its configuration is as before" test "$(config)" = "$config_before"
check "the guest uses the edu again" edu_answers
check "audit after the copy" says "grant nothing" ravelin audit

# Where the guest's tables had entries of 1 GiB, they stay split into entries of 2 MiB: a page each for BAR and configuration space.
first=$(free_bytes)
check "a device's first use keeps two pages for tables, no more" test $((before - first)) -le 8192
head -c 100 input >small
turn=0 right=0
while [ $turn -lt "$TURNS" ]; do
	ravelin run --cpu 1 /test/edu-copy.suit --input small --output copy >turn.out 2>&1 && cmp -s small copy && right=$((right + 1))
	turn=$((turn + 1))
done
if [ "$right" = "$TURNS" ]; then
	passed "$TURNS copies in a row"
else
	fail "$TURNS copies in a row" "$right were right; the last one: $(tr '\n' ';' <turn.out)"
fi
check "nothing of the pool is lost with edu" pool_is "$first"
check "the module holds nothing of edu" driver_holds_nothing
check "the guest uses the edu at the end" edu_answers

# Nothing is left of a program that is killed, but the device that nobody has cleaned.
ravelin run --cpu 1 /test/edu-copy.suit --input input --output copy >run.out 2>&1 &
run=$!
wait_until says 'edu-copy.*running' ravelin ps
kill -9 "$run"
wait "$run"
check "its CPU is back" test "$(nproc)" = 2
check "the device of a killed task stays away" runs_away
check "the log says why" says "can't be reset and was not cleaned" ravelin log
check "nobody gets it any more" status 1 "there is no such PCI function" ravelin run --cpu 1 /test/edu-copy.suit --input small
check "the module holds nothing of it" driver_holds_nothing
check "audit after all" says "grant nothing" ravelin audit
kernel_is_quiet
exit "$failed"
