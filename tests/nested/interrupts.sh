# SPDX-License-Identifier: GPL-2.0-only
# interrupts.sh - what a device's interrupts cost in VM exits, and what it costs to move one to another CPU; read by guest scripts that have
# guest.sh, the module and the program ravelin. Busybox sh. Prints checks and one BENCH line.
# shellcheck shell=sh

# The source of random numbers writes them by DMA and interrupts by MSI-X for each request.
device_interrupts()
{
	awk '/virtio.*input/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts
}

device_work() # REQUESTS
{
	dd if=/dev/hwrng of=/dev/null bs=64 count="$1" 2>/dev/null
}

interrupts_without_exits()
{
	device_work 4 || return 1
	exits=$(exits_counted) interrupts=$(device_interrupts)
	device_work 200
	interrupts=$(($(device_interrupts) - interrupts)) exits=$(($(exits_counted) - exits))
	echo "interrupts: $interrupts, exits: $exits"
	[ "$interrupts" -ge 100 ] && [ "$exits" = 0 ]
}

# A move ends when the next interrupt has come; until then Linux refuses another one.
move_exits()
{
	irq=$(awk -F '[ :]+' '/virtio.*input/ { print $2 }' /proc/interrupts)
	moves=0
	exits=$(exits_counted)
	for mask in 1 2 1 2 1 2 1 2 1 2; do
		echo $mask >"/proc/irq/$irq/smp_affinity" && moves=$((moves + 1))
		device_work 4
	done
	exits=$(($(exits_counted) - exits))
	echo "moves: $moves, exits: $exits"
	[ "$moves" = 10 ] && [ "$exits" -le 60 ] && [ "$exits" -ge 10 ]
}

interrupts_check()
{
	modprobe virtio_pci && modprobe virtio_rng
	check "a device's DMA and interrupts cause no exit" interrupts_without_exits
	check "an interrupt moves from CPU to CPU with at most 6 exits" move_exits
	echo "BENCH an interrupt of the guest moves to another CPU | $((exits / 10)).$((exits % 10)) exits | - | -"
}
