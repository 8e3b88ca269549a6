#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the inner machine's Linux: the checks of tests/linux/boot, then that it has, below Ravelin, what Bochs alone does not offer.

failed=0
sh /test/boot.sh || failed=1

check() # NAME WHY COMMAND...: passes if the command succeeds
{
	name=$1 why=$2
	shift 2
	if "$@"; then
		echo "PASS $name"
	else
		echo "FAIL $name: $why"
		failed=1
	fi
}

dmesg >/tmp/dmesg
check "the local APICs are in x2APIC mode" "$(grep -i x2apic /tmp/dmesg | tr '\n' ';')" grep -q 'x2apic enabled' /tmp/dmesg
check "interrupts are remapped" "$(grep DMAR-IR /tmp/dmesg | tr '\n' ';')" \
	grep -q 'DMAR-IR: Enabled IRQ remapping in x2apic mode' /tmp/dmesg

# TPM2_GetRandom of eight bytes; the response is 20 bytes and begins with tag 0x8001, size 20, code 0.
tpm_answers()
{
	[ -c /dev/tpm0 ] || return 1
	exec 3<>/dev/tpm0
	printf '\200\001\000\000\000\014\000\000\001\173\000\010' >&3
	answer=$(dd bs=4096 count=1 <&3 2>/dev/null | od -A n -t x1 | tr -d ' \n')
	exec 3<&-
	case $answer in
	800100000014000000000008*) [ "${#answer}" = 40 ] ;;
	*) return 1 ;;
	esac
}
check "the TPM gives random bytes" "it answers '$answer'; $(grep -i tpm /tmp/dmesg | tail -n 2 | tr '\n' ';')" tpm_answers

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
	[ "$edu" = "0x010000ED 0xEDCBA987" ]
}
check "the edu device answers" "it says '$edu'" edu_answers

exit "$failed"
