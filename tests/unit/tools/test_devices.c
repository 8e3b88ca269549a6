/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_devices.c - images that ask for devices: libravelin finds them in a sysfs of files, the program ravelin gives them to the module.
 */
#include "fake_device.h"
#include "run_cli.h"

#include "../../../tools/libravelin/handle.h"
#include "../../../tools/ravelin/cli.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define EDU 0x11e81234u
#define NIC 0x10d38086u

static char here[] = "/tmp/ravelin-devices.XXXXXX";
static struct ravelin *h;

static void put(const char *name, const char *file, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/pci/%s", here, name);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/pci/%s/%s", here, name, file);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void function(const char *name, const char *vendor, const char *device, const char *driver)
{
	char path[256], to[256];

	put(name, "vendor", vendor);
	put(name, "device", device);
	snprintf(path, sizeof(path), "%s/pci/%s/driver", here, name);
	unlink(path);
	snprintf(to, sizeof(to), "../../../bus/pci/drivers/%s", driver);
	if (driver[0])
		assert_int_equal(symlink(to, path), 0);
}

static int setup(void **state)
{
	static char pci[64], ports[64];
	char path[128];
	FILE *f;

	(void)state;
	snprintf(pci, sizeof(pci), "%s/pci", here);
	snprintf(ports, sizeof(ports), "%s/ioports", here);
	mkdir(pci, 0777);
	devices_pci = pci;
	devices_ports = ports;
	f = fopen(ports, "w");
	assert_non_null(f);
	fputs("0000-0cf7 : PCI Bus 0000:00\n  0060-0060 : keyboard\n  02f8-02ff : serial\n  0300-0300 : a\n0cf8-0cff : "
	      "PCI conf1\n",
	      f);
	fclose(f);
	/* Two edu, of which a driver has the first; a network card with a driver; what is none, or of another segment. */
	function("0000:00:05.0", "0x1234\n", "0x11e8\n", "uio_pci_generic");
	function("0000:02:1f.7", "0x1234\n", "0x11e8\n", "");
	function("0000:00:02.0", "0x8086\n", "0x10d3\n", "e1000e");
	function("0001:00:02.0", "0x8086\n", "0x10d3\n", "");
	function("notes", "0x8086\n", "0x10d3\n", "");
	snprintf(path, sizeof(path), "%s/pci/0000:00:1f.0", here);
	mkdir(path, 0777);
	fake_reset();
	assert_int_equal(ravelin_open(&h), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ravelin_close(h);
	h = NULL;
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return mkdtemp(here) ? 0 : -1;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", here);
	return system(command);
}

static struct rv_image_header image(uint32_t count, ...)
{
	struct rv_image_header i = fake_image(false);
	va_list list;

	i.capabilities = RV_CAP_DEVICE;
	i.grant_count = count;
	va_start(list, count);
	for (uint32_t n = 0; n < count; n++) {
		i.grant[n].kind = RV_GRANT_PCI;
		i.grant[n].first = va_arg(list, uint32_t);
		i.grant[n].count = 1;
	}
	va_end(list);
	return i;
}

static void refused(int got, int error, const char *text)
{
	char said[300];

	assert_int_equal(got, error);
	if (!strstr(ravelin_explain(h, got, said, sizeof(said)), text))
		fail_msg("'%s' is not in '%s'", text, said);
}

static void finds_a_free_function(void **state)
{
	struct rv_image_header i = image(1, EDU);
	struct rv_grant grant[RV_MAX_GRANTS];
	const uint32_t named[] = {0x2ff}, taken[] = {0x28};
	char name[RAVELIN_FUNCTION_NAME];

	(void)state;
	assert_int_equal(ravelin_devices_find(h, &i, NULL, 0, grant), 0);
	assert_int_equal(grant[0].source_id, 0x2ff);
	assert_int_equal(grant[0].first, EDU);
	assert_string_equal(ravelin_function_name(0x2ff, name), "02:1f.7");
	assert_int_equal(ravelin_devices_find(h, &i, named, 1, grant), 0);
	assert_int_equal(grant[0].source_id, 0x2ff);
	refused(ravelin_devices_find(h, &i, taken, 1, grant), -EBUSY,
		"the driver uio_pci_generic has PCI function 00:05.0 (1234:11e8)");
	function("0000:00:05.0", "0x1234\n", "0x11e8\n", "");
	assert_int_equal(ravelin_devices_find(h, &i, NULL, 0, grant), 0);
	assert_int_equal(grant[0].source_id, 0x28);
}

static void finds_several(void **state)
{
	struct rv_image_header i = image(2, EDU, EDU);
	struct rv_grant grant[RV_MAX_GRANTS];
	const uint32_t named[] = {0x2ff};

	(void)state;
	refused(ravelin_devices_find(h, &i, NULL, 0, grant), -EBUSY, "uio_pci_generic");
	function("0000:00:05.0", "0x1234\n", "0x11e8\n", "");
	assert_int_equal(ravelin_devices_find(h, &i, NULL, 0, grant), 0);
	assert_int_equal(grant[0].source_id, 0x28);
	assert_int_equal(grant[1].source_id, 0x2ff);
	assert_int_equal(ravelin_devices_find(h, &i, named, 1, grant), 0);
	assert_int_equal(grant[0].source_id, 0x2ff);
	assert_int_equal(grant[1].source_id, 0x28);
	i = image(3, EDU, EDU, EDU);
	refused(ravelin_devices_find(h, &i, NULL, 0, grant), -ENODEV, "1234:11e8, and this machine has none left");
}

static void says_what_does_not_fit(void **state)
{
	struct rv_image_header i = image(1, NIC);
	struct rv_grant grant[RV_MAX_GRANTS];
	const uint32_t absent[] = {0x18}, edu[] = {0x2ff};

	(void)state;
	refused(ravelin_devices_find(h, &i, NULL, 0, grant), -EBUSY,
		"echo 0000:00:02.0 >/sys/bus/pci/drivers/e1000e/unbind");
	refused(ravelin_devices_find(h, &i, absent, 1, grant), -ENODEV, "has no PCI function 00:03.0");
	function("0000:00:02.0", "0x8086\n", "0x10d3\n", "");
	refused(ravelin_devices_find(h, &i, edu, 1, grant), -EINVAL,
		"does not ask for PCI function 02:1f.7: 1234:11e8");
	i = image(1, 0x00011af4);
	refused(ravelin_devices_find(h, &i, NULL, 0, grant), -ENODEV, "1af4:0001, and this machine has none");
	devices_pci = "/nonexistent";
	refused(ravelin_devices_find(h, &i, NULL, 0, grant), -ENODEV, "1af4:0001");
	i = image(0);
	assert_int_equal(ravelin_devices_find(h, &i, NULL, 0, grant), 0);
	refused(ravelin_devices_find(h, &i, edu, 1, grant), -ENODEV, "has no PCI function 02:1f.7");
}

static void gives_the_grants_to_the_module(void **state)
{
	struct rv_image_header i = image(1, EDU);
	uint32_t id = 0;

	(void)state;
	i.grant[0].flags = RV_GRANT_INTERRUPT;
	i.grant[1] = (struct rv_grant){RV_GRANT_PORTS, 0, 0x2f8, 8, 0};
	i.grant_count = 2;
	assert_int_equal(ravelin_fimce_create(h, &i, sizeof(i), NULL, 0, &id), 0);
	assert_int_equal(fake.create.grant_count, 2);
	assert_int_equal(fake.create.grant[0].source_id, 0x2ff);
	assert_int_equal(fake.create.grant[0].flags, RV_GRANT_INTERRUPT);
	assert_memory_equal(&fake.create.grant[1], &i.grant[1], sizeof(i.grant[1]));
	assert_true(ravelin_devices_interrupt(&i));
	i.grant[0].flags = RV_GRANT_CLEANED;
	assert_false(ravelin_devices_interrupt(&i));
	i.grant[1] = (struct rv_grant){RV_GRANT_GSI, 0, 4, 1, 0};
	assert_true(ravelin_devices_interrupt(&i));
	assert_int_equal(ravelin_fimce_create_devices(h, &i, sizeof(i), NULL, 0, i.grant, 9, &id), -EINVAL);

	/* Who has the ports, Linux knows better than the module. */
	fake.failure[0] = (struct fake_failure){RV_IOCTL_CREATE, -1, EBUSY, RV_REASON_DRIVER_DEVICE, 1};
	i.grant[1] = (struct rv_grant){RV_GRANT_PORTS, 0, 0x2ff, 1, 0};
	refused(ravelin_fimce_create(h, &i, sizeof(i), NULL, 0, &id), -EBUSY, "ports 0x2ff to 0x2ff for 'serial'");
	i.grant[1].first = 0x301;
	refused(ravelin_fimce_create(h, &i, sizeof(i), NULL, 0, &id), -EBUSY,
		"grant 1: a Linux driver has this device");
	i.grant[1] = (struct rv_grant){RV_GRANT_GSI, 0, 4, 1, 0};
	refused(ravelin_fimce_create(h, &i, sizeof(i), NULL, 0, &id), -EBUSY, "Linux uses interrupt line 4");
	fake.failure[0].value = 7;
	refused(ravelin_fimce_create(h, &i, sizeof(i), NULL, 0, &id), -EBUSY, "grant 7");
}

/** Runs `ravelin run IMAGE` with more words. */
static int run(const struct rv_image_header *i, const char *words)
{
	char line[512];
	FILE *f;

	snprintf(line, sizeof(line), "%s/image", here);
	f = fopen(line, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(i, sizeof(*i), 1, f), 1);
	fclose(f);
	snprintf(line, sizeof(line), "run %s/image %s", here, words);
	return run_cli(line);
}

static void says(const char *where, const char *text)
{
	if (!strstr(where, text))
		fail_msg("'%s' is not in '%s'", text, where);
}

static void runs_with_devices(void **state)
{
	struct rv_image_header i = image(1, EDU);

	(void)state;
	assert_int_equal(run(&i, "--device 02:1f.7"), EXIT_DONE);
	assert_int_equal(fake.create.grant[0].source_id, 0x2ff);
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_CORE_TAKE)], 0);
	assert_int_equal(run(&i, "--device 0000:00:05.0"), EXIT_REFUSED);
	says(err, "uio_pci_generic");
	assert_int_equal(run(&i, "--device 5"), EXIT_USAGE);
	says(err, "'5' is no PCI function");
	for (const char *const *bad =
		 (const char *const[]){"00:20.0", "00:05.8", "00:05.0x", "0:5", "-1:05.0", "1:00:05.0", NULL};
	     *bad; bad++) {
		char words[32];

		snprintf(words, sizeof(words), "--device %s", *bad);
		assert_int_equal(run(&i, words), EXIT_USAGE);
	}
	i.grant[1] = (struct rv_grant){RV_GRANT_PORTS, 0, 0x2f8, 8, 0};
	i.grant_count = 2;
	assert_int_equal(run(&i, "--json"), EXIT_DONE);
	says(out, "\"kind\": \"pci\"");
	says(out, "\"function\": \"02:1f.7\"");
	says(out, "\"ids\": \"1234:11e8\"");
	says(out, "\"first\": 760");
	i = image(0);
	assert_int_equal(run(&i, "--json"), EXIT_DONE);
	assert_null(strstr(out, "devices"));
}

static void interrupts_need_a_cpu(void **state)
{
	struct rv_image_header i = image(1, EDU);
	char cpu[64];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	(void)state;
	i.grant[0].flags = RV_GRANT_INTERRUPT;
	assert_int_equal(run(&i, "--borrow"), EXIT_REFUSED);
	says(err, "needs a CPU of its own: --cpu N, not --borrow");
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_CREATE)], 0);
	assert_int_equal(run(&i, "--cpu 1"), EXIT_DONE);
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_CORE_TAKE)], 1);
	assert_string_equal(err, "");
	if (cpus < 2) {
		assert_int_equal(run(&i, ""), EXIT_REFUSED);
		says(err, "this machine has only one");
		return;
	}
	assert_int_equal(run(&i, ""), EXIT_DONE);
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_CORE_TAKE)], 2);
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_CORE_GIVE)], 2);
	snprintf(cpu, sizeof(cpu), "--cpu %ld", cpus - 1);
	says(err, cpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(finds_a_free_function, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_several, setup, teardown),
	    cmocka_unit_test_setup_teardown(says_what_does_not_fit, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_the_grants_to_the_module, setup, teardown),
	    cmocka_unit_test_setup_teardown(runs_with_devices, setup, teardown),
	    cmocka_unit_test_setup_teardown(interrupts_need_a_cpu, setup, teardown),
	};

	return cmocka_run_group_tests_name("tools/devices", tests, begin, end);
}
