#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest, on a machine with VT-d: a function with reset, MSI-X and several BARs goes from Linux' driver to a task and back: QEMU's virtio
# entropy device behind a root port. In /test: random.suit, signed with the key that Ravelin trusts. The device is made to give no more than
# 4 KiB each quarter of a second, so that there is time to look. TURNS (kernel command line): how often it goes to and fro in the end.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

driver=/sys/bus/pci/drivers/virtio-pci

check "the module loads" insmod /modules/ravelin.ko
modprobe virtio_pci && modprobe virtio_rng || exit 1
for each in /sys/bus/pci/devices/*; do
	[ "$(cat "$each/vendor"):$(cat "$each/device")" = 0x1af4:0x1044 ] && device=$each
done
address=${device##*/} function=${device##*/0000:}

# --- what the device is
is_behind_a_bridge()
{
	readlink -f "$device" | grep -q '/pci0000:00/0000:00:[^/]*/0000:01:[^/]*$'
}
has_two_bars()
{
	head -n 6 "$device/resource" | grep -v '^0x0* 0x0* ' >bars
	cat bars
	# Memory is flag 0x200; 64 bits, 0x100000.
	[ "$(grep -c '[2367abef]..$' bars)" = 2 ] && grep -q '0x00000000001.....$' bars && grep -q '0x00000000000.....$' bars
}
check "the device is on a bus of its own, behind a bridge" is_behind_a_bridge
check "it has two memory BARs, one of them of 64 bits" has_two_bars
check "it has a function level reset" grep -q flr "$device/reset_method"
check "its interrupts are MSI-X" sh -c "grep -h . $device/msi_irqs/* | grep -q msix"

linux_reads()
{
	dd if=/dev/hwrng of=read.out bs=64 count=4 2>/dev/null && [ "$(wc -c <read.out)" = 256 ]
}
config() # the first 64 bytes of configuration space, but for the status register
{
	od -An -v -tx1 -w64 -N64 "$device/config" | cut -d' ' -f2-7,10-
}
runs_away() # while a task runs there: is the device away?
{
	[ "$(od -An -tx1 -N4 "$device/config")" = " ff ff ff ff" ]
}
has_both_cpus()
{
	[ "$(nproc)" = 2 ]
}
has_come_back()
{
	[ "$(config)" = "$before" ]
}
free_bytes()
{
	ravelin info --json | sed -n 's/.*"pool_free_bytes": \([0-9]*\).*/\1/p'
}
faults()
{
	ravelin log | grep -c "by DMA: denied"
}
ask_for() # BYTES: four of them, the number that the task is to put out, as \0OOO
{
	printf '%b' "$1" >count
}
random_run() # FILE WORD...: the task; its bytes go to FILE
{
	output=$1
	shift
	ravelin run --cpu 1 --json /test/random.suit --device "$function" --input count --output "$output" "$@"
}

check "Linux reads random bytes from it" linux_reads
ask_for '\0000\0200\0000\0000'
check "it does not leave a driver that has it" status 1 "the driver virtio-pci has PCI function" random_run bytes
echo "$address" >$driver/unbind

# --- the guest leaves it in use: what stands in its registers now is to be gone. The common registers (Virtual I/O Device 1.1, 4.1.4.3) are where BAR 4
# begins: number of queues at 0x12, status at 0x14, address of the first queue at 0x20.
echo 1 >"$device/enable"
common=$(sed -n '5s/ .*//p' "$device/resource")
status_and_queue()
{
	echo "$(devmem $((common + 0x14)) 8) $(devmem $((common + 0x20)) 32)"
}
leave_in_use()
{
	[ "$(devmem $((common + 0x12)) 16)" = 0x0001 ] || return 1
	devmem $((common + 0x14)) 8 1
	devmem $((common + 0x14)) 8 3
	devmem $((common + 0x20)) 32 0x2000000
	status_and_queue
	[ "$(status_and_queue)" = "0x03 0x02000000" ]
}
check "the guest leaves it in use, with a queue where the task's output will be" leave_in_use
before=$(config)
faults_before=$(faults)
random_run bytes >run.out 2>&1 &
run=$!
check "the device leaves the guest" wait_until runs_away
check "its registers can't be read" sh -c "! devmem $common 32"
check "audit while it is away" says "grant nothing" ravelin audit
check "the task still runs: all of this was while the device was away" kill -0 "$run"
if wait "$run"; then
	passed "the task ends well"
else
	fail "the task ends well" "$(tr '\n' ';' <run.out)"
fi
check "it found the device as after a reset" says "random: the device's status is 0" ravelin log
have=$(wc -c <bytes)
check "it has put out as many bytes as it was asked for" test "$have" = 32768
packed=$(gzip -c bytes | wc -c)
check "they look random: $packed bytes packed" test "$packed" -ge 32768
# Two buffers at most with one interrupt, 128 buffers.
interrupts=$(ravelin log | sed -n 's/.*random: 32768 bytes, \([0-9]*\) interrupts.*/\1/p')
check "they came with interrupts: $interrupts" test "${interrupts:-0}" -ge 64
exits=$(sed -n 's/.*"exits": \([0-9]*\).*/\1/p' run.out)
check "each interrupt was one exit: $exits" test "${exits:-0}" -ge "$interrupts" -a "${exits:-0}" -le $((interrupts + 12))
check "the device tried no DMA that it must not" test "$(faults)" = "$faults_before"
check "the device came back" says "was reset and is the guest's again" ravelin log
check "its configuration is as before" test "$(config)" = "$before"
check "nothing is left in its registers" test "$(status_and_queue)" = "0x00 0x00000000"
echo 0 >"$device/enable"
echo "$address" >$driver/bind
check "Linux reads from it again" wait_until linux_reads
check "audit afterwards" says "grant nothing" ravelin audit

# --- again and again: what it costs comes back
first=$(free_bytes)
turn=0 right=0
ask_for '\0000\0001\0000\0000'
while [ $turn -lt "$TURNS" ]; do
	echo "$address" >$driver/unbind
	random_run "bytes.$turn" >turn.out 2>&1 && [ "$(wc -c <"bytes.$turn")" = 256 ] && right=$((right + 1))
	echo "$address" >$driver/bind
	wait_until linux_reads || right=0
	turn=$((turn + 1))
done
check "$TURNS times from Linux' driver to a task and back: $right, $(tail -n 1 turn.out)" test "$right" = "$TURNS"
different=$(cat bytes.[0-9]* | od -An -v -tx8 -w256 | sort -u | wc -l)
check "each task got other bytes" test "$different" = "$TURNS"
check "nothing of the pool is lost" test "$(free_bytes)" = "$first"

# --- a task that is killed: nobody has to trust it, the device is reset
echo "$address" >$driver/unbind
ask_for '\0000\0000\0001\0000'
# Not by random_run: it is the program that is to be killed.
ravelin run --cpu 1 /test/random.suit --device "$function" --input count --output bytes >run.out 2>&1 &
run=$!
wait_until says 'random.*running' ravelin ps
check "its device is away" wait_until runs_away
kill -9 "$run"
wait "$run"
check "it did not end by itself" sh -c '! ravelin log | grep -q "random: 65536 bytes"'
check "its CPU is back" wait_until has_both_cpus
check "the device of a killed task comes back, by its reset" wait_until has_come_back
echo "$address" >$driver/bind
check "Linux reads from it once more" wait_until linux_reads
check "the device tried no DMA that it must not, to the end" test "$(faults)" = "$faults_before"
check "audit after all" says "grant nothing" ravelin audit
# The refused access has killed devmem; that is no complaint.
dmesg -c | grep -v 'traps: devmem' | grep -E 'BUG|WARNING|Oops|general protection|Call Trace' >complaints
check "the kernel does not complain: $(head -n 3 complaints | tr '\n' ';')" test ! -s complaints
exit "$failed"
