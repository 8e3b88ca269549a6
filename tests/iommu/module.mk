# SPDX-License-Identifier: GPL-2.0-only
# The IOMMU test kernel: hv/vtd and what it stands on, compiled for a bare kernel on QEMU without VMX.

IOMMU_CFLAGS := -std=c11 -O2 -g $(WARN) -I. -Iinclude -ffreestanding -fpie -mno-red-zone -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only -fno-strict-aliasing -m64
IOMMU_HV := $(wildcard hv/vtd/*.c) hv/vmx/ept.c hv/partition.c hv/util.c agent/faults.c agent/pci.c agent/unit.c agent/vtd.c
IOMMU_OBJ := $(patsubst %,$(B)/tests/iommu/%.o,$(basename $(wildcard tests/iommu/*.[cS])) $(IOMMU_HV:.c=) tests/vmx/lib/report)

$(B)/tests/iommu/%.o: %.c tests/iommu/module.mk
	@mkdir -p $(@D)
	$(CC) $(IOMMU_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/iommu/%.o: %.S tests/iommu/module.mk
	@mkdir -p $(@D)
	$(CC) $(IOMMU_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/iommu.bin: $(IOMMU_OBJ) tests/iommu/iommu.ld
	$(LD) -m elf_x86_64 -static -nostdlib --build-id=none -z noexecstack --no-warn-rwx-segments -T tests/iommu/iommu.ld \
		-o $(@:.bin=.elf) $(IOMMU_OBJ)
	$(OBJCOPY) -O binary $(@:.bin=.elf) $@

ALL += $(B)/tests/iommu.bin
RING_TESTS += tests/iommu/run
BENCH_TESTS += tests/iommu/bench

-include $(IOMMU_OBJ:.o=.d)
