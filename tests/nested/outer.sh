#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the outer machine, started by the /init of tests/lib/initramfs: the jobs of the CD, one after another. The serial output of
# the inner machines goes to ttyS1, see inner.c; what is printed here is for the console.

give_up()
{
	echo "FAIL outer machine: $*"
	exit 1
}

nmis()
{
	awk '$1 == "NMI:" { print $2 }' /proc/interrupts
}

for module in ata_piix sr_mod isofs; do
	modprobe "$module" || give_up "no module $module"
done
# The drive is found in the background.
tries=0
until mount -t iso9660 -o ro /dev/sr0 /mnt 2>/dev/null; do
	tries=$((tries + 1))
	[ "$tries" -le 200 ] || give_up "the CD cannot be mounted: $(dmesg | tail -n 3 | tr '\n' ';')"
	usleep 50000
done
(cd / && cpio -idu </mnt/machine.cpio) || give_up "machine.cpio cannot be unpacked"
# Polling before a halt is a waste where an idle second costs nothing.
modprobe kvm halt_poll_ns=0
modprobe kvm_intel
[ -c /dev/kvm ] || give_up "no /dev/kvm: $(dmesg | grep -i kvm | tail -n 3 | tr '\n' ';')"
insmod /modules/nmitick.ko || give_up "nmitick.ko is not loaded"
before=$(nmis)
usleep 200000
[ "$(nmis)" -gt $((before + 25)) ] || give_up "no periodic NMIs: $before, then $(nmis)"
echo "PASS outer machine: KVM after $(cut -d' ' -f1 /proc/uptime) s, nested: $(cat /sys/module/kvm_intel/parameters/nested), NMIs"
dmesg -c >/dev/null
status=0
number=0
while [ -d "/mnt/jobs/$number" ]; do
	if /test/inner "/mnt/jobs/$number" "$number" /dev/ttyS1; then
		echo "PASS job $number was run"
	else
		echo "FAIL job $number: its supervisor gave up"
		status=1
	fi
	# KVM's complaints belong to the job that caused them.
	dmesg -c | tail -n 20 | sed 's/^/outer kernel: /'
	rm -rf /run/tpm
	number=$((number + 1))
done
exit "$status"
