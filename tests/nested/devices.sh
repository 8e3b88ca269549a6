#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the inner machine's Linux: the checks of tests/linux/boot, then that it has, below Ravelin, what Bochs alone does not offer.
# EXPECT_APIC (kernel command line): x2apic or xapic.

cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh
# shellcheck source=tests/nested/interrupts.sh
. /test/interrupts.sh

sh /test/boot.sh || failed=1

dmesg >dmesg.out
# kernel_says PATTERN ABOUT: passes if the kernel says PATTERN; all that it says about ABOUT is the reason if not
kernel_says()
{
	grep -q "$1" dmesg.out && return
	grep -i "$2" dmesg.out
	return 1
}
if [ "${EXPECT_APIC:-x2apic}" = x2apic ]; then
	check "the local APICs are in x2APIC mode" kernel_says 'x2apic enabled' x2apic
else
	check "the local APICs are not in x2APIC mode" sh -c '! grep "x2apic enabled" dmesg.out'
fi
check "interrupts are remapped" kernel_says "DMAR-IR: Enabled IRQ remapping in ${EXPECT_APIC:-x2apic} mode" DMAR-IR

# TPM2_GetRandom of eight bytes; the response is 20 bytes and begins with tag 0x8001, size 20, code 0.
tpm_answers()
{
	[ -c /dev/tpm0 ] || return 1
	exec 3<>/dev/tpm0
	printf '\200\001\000\000\000\014\000\000\001\173\000\010' >&3
	answer=$(dd bs=4096 count=1 <&3 2>/dev/null | od -A n -t x1 | tr -d ' \n')
	exec 3<&-
	grep -i tpm dmesg.out
	echo "it answers '$answer'"
	case $answer in
	800100000014000000000008*) [ "${#answer}" = 40 ] ;;
	*) return 1 ;;
	esac
}
check "the TPM gives random bytes" tpm_answers

# The edu device: its identification, and a register that returns the complement of what was written.
edu_answers()
{
	for device in /sys/bus/pci/devices/*; do
		[ "$(cat "$device/vendor"):$(cat "$device/device")" = 0x1234:0x11e8 ] && break
		device=
	done
	[ -n "$device" ] || return 1
	echo 1 >"$device/enable"
	base=$(cut -d' ' -f1 "$device/resource" | head -n 1)
	devmem $((base + 4)) 32 0x12345678
	edu="$(devmem "$base" 32) $(devmem $((base + 4)) 32)"
	echo "it says '$edu'"
	[ "$edu" = "0x010000ED 0xEDCBA987" ]
}
check "the edu device answers" edu_answers

check "the module loads" insmod /modules/ravelin.ko
interrupts_check
check "no table grants what it must not" says "grant nothing" ravelin audit

exit "$failed"
