#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: shows what Linux got from the boot stub. boot-errors compares.

echo "GUEST cmdline $(cat /proc/cmdline)"
echo "GUEST cpus $(nproc)"
echo "GUEST second-initrd $(cat /second 2>&1)"
grep -E '^[0-9a-f]+-[0-9a-f]+ : ' /proc/iomem | sed 's/^/GUEST iomem /'
dmesg | grep -E 'BIOS-e820|RSDP|RAMDISK' | sed 's/^\[[^]]*\] /GUEST dmesg /'
echo "GUEST screen $(cat /proc/fb) $(dmesg | grep -o 'Console: .*' | head -n 1)"
ls /sys/firmware/acpi/tables/APIC >/dev/null && echo "GUEST acpi"
exit 0
