"""Controls of what a child may do: system calls, files, and the check of both at the start."""

from scripts.checks.mutants.row import Row

FILTERS = "tests/unit/sandbox/locks/test_filters.py::"
LANDLOCK = "tests/unit/sandbox/locks/test_landlock.py::"
SELF_CHECK = "tests/unit/sandbox/locks/test_self_check.py::"
LEFTOVERS = "tests/unit/sandbox/test_leftovers.py::"
SANDBOX = "tests/unit/sandbox/test_sandbox.py::"

ROWS = (
    Row(
        "shared folders are emptied however a child ended",
        "app/sandbox/client.py",
        "            finally:\n                self._empty_shared(task)\n",
        "            except ArithmeticError:\n                pass\n            self._empty_shared(task)\n",
        (LEFTOVERS + "test_the_shared_folder_is_emptied_also_when_a_child_ended_its_server",),
    ),
    Row(
        "shared folders are emptied where Landlock was left out for a sample",
        "app/sandbox/greeting.py",
        "self.findings.locks.landlock and LANDLOCK",
        "LANDLOCK",
        (LEFTOVERS + "test_a_shared_folder_is_emptied_where_landlock_broke_a_sample",),
    ),
    Row(
        "a call that is not on the list: pipe2",
        "app/sandbox/locks/system_calls.py",
        '        "sysinfo": (99, 179),\n',
        '        "sysinfo": (99, 179),\n        "pipe2": (293, 59),\n',
        (
            FILTERS + "test_the_allow_list_allows_what_is_on_it_and_nothing_else",
            FILTERS + "test_no_other_call_can_be_made_in_a_child",
        ),
    ),
    Row(
        "a call that is not on the list: getppid",
        "app/sandbox/locks/system_calls.py",
        '        "sysinfo": (99, 179),\n',
        '        "sysinfo": (99, 179),\n        "getppid": (110, 173),\n',
        (FILTERS + "test_no_other_call_can_be_made_in_a_child",),
    ),
    Row(
        "mmap: not executable",
        "app/sandbox/locks/system_calls.py",
        "                    Check(2, _ALL_BITS & ~(_PROT_READ | _PROT_WRITE), (0,)),\n"
        "                    Check(3, _MAP_SHARED, (0,)),",
        "                    Check(3, _MAP_SHARED, (0,)),",
        (
            FILTERS + "test_arguments_decide",
            FILTERS + "test_shared_memory_signals_priorities_and_executable_memory_are_refused",
        ),
    ),
    Row(
        "mmap: shared not writable",
        "app/sandbox/locks/system_calls.py",
        "Check(2, _ALL_BITS & ~_PROT_READ, (0,)),",
        "Check(2, _ALL_BITS & ~(_PROT_READ | _PROT_WRITE), (0,)),",
        (FILTERS + "test_arguments_decide",),
    ),
    Row(
        "mmap: shared not anonymous",
        "app/sandbox/locks/system_calls.py",
        "Check(3, _MAP_SHARED | _MAP_ANONYMOUS, (_MAP_SHARED,)),",
        "Check(3, _MAP_SHARED, (_MAP_SHARED,)),",
        (FILTERS + "test_arguments_decide",),
    ),
    Row(
        "mprotect: not executable",
        "app/sandbox/locks/system_calls.py",
        '"mprotect": ((10, 226), ((Check(2, _ALL_BITS & ~(_PROT_READ | _PROT_WRITE), (0,)),),)),',
        '"mprotect": ((10, 226), ((Check(2, 0, (0,)),),)),',
        (
            FILTERS + "test_arguments_decide",
            FILTERS + "test_shared_memory_signals_priorities_and_executable_memory_are_refused",
        ),
    ),
    Row(
        "ioctl: two requests only",
        "app/sandbox/locks/system_calls.py",
        "Check(1, _ALL_BITS, (_TCGETS, _FIOCLEX))",
        "Check(1, _ALL_BITS, (_TCGETS, _FIOCLEX, 0x8901))",
        (FILTERS + "test_arguments_decide",),
    ),
    Row(
        "fcntl: three commands",
        "app/sandbox/locks/system_calls.py",
        "(_F_GETFL, _F_SETLK, _F_DUPFD_CLOEXEC)",
        "(_F_GETFL, _F_SETLK, _F_DUPFD_CLOEXEC, 8)",
        (
            FILTERS + "test_arguments_decide",
            FILTERS + "test_shared_memory_signals_priorities_and_executable_memory_are_refused",
        ),
    ),
    Row(
        "prctl: PR_SET_NAME only",
        "app/sandbox/locks/system_calls.py",
        "(_PR_SET_NAME,)",
        "(_PR_SET_NAME, 4)",
        (FILTERS + "test_arguments_decide",),
    ),
    Row(
        "clone: threads only",
        "app/sandbox/locks/system_calls.py",
        "                    Check(0, _CLONE_THREAD, (_CLONE_THREAD,)),\n",
        "",
        (FILTERS + "test_arguments_decide",),
    ),
    Row(
        "clone: nothing else",
        "app/sandbox/locks/system_calls.py",
        "                    Check(0, _ALL_BITS & ~_CLONE_OF_A_THREAD, (0,)),\n",
        "",
        (FILTERS + "test_arguments_decide",),
    ),
    Row(
        "prlimit64: reads only",
        "app/sandbox/locks/system_calls.py",
        "                    Check(2, _ALL_BITS, (0,)),\n"
        "                    Check(2, _ALL_BITS, (0,), upper=True),\n",
        "",
        (
            FILTERS + "test_arguments_decide",
            FILTERS + "test_shared_memory_signals_priorities_and_executable_memory_are_refused",
        ),
    ),
    Row(
        "prlimit64: its own",
        "app/sandbox/locks/system_calls.py",
        "                    Check(0, _ALL_BITS, (0,)),\n                    Check(2",
        "                    Check(2",
        (FILTERS + "test_arguments_decide",),
    ),
    Row(
        "tgkill: its own process",
        "app/sandbox/locks/filters.py",
        "_instruction(_EQUAL, pid, skip_if_false=1)\n",
        "_instruction(_EQUAL, pid)\n",
        (FILTERS + "test_arguments_decide",),
    ),
    Row(
        "what is unknown does not exist",
        "app/sandbox/locks/filters.py",
        'return b"".join(chosen) + _instruction(_RETURN, _refusal(errno.ENOSYS))',
        'return b"".join(chosen) + _instruction(_RETURN, _ALLOW)',
        (
            FILTERS + "test_the_allow_list_allows_what_is_on_it_and_nothing_else",
            FILTERS + "test_no_other_call_can_be_made_in_a_child",
        ),
    ),
    Row(
        "what does harm is not permitted",
        "app/sandbox/locks/system_calls.py",
        '        "setpriority": (141, 140),\n',
        "",
        (
            FILTERS + "test_what_is_known_to_do_harm_is_not_permitted_and_what_is_unknown_does_not_exist",
            FILTERS + "test_shared_memory_signals_priorities_and_executable_memory_are_refused",
        ),
    ),
    Row(
        "calls of this machine only",
        "app/sandbox/locks/filters.py",
        "    yield _instruction(_RETURN, _refusal(errno.EPERM))\n    yield _instruction(_LOAD, _NUMBER)",
        "    yield _instruction(_RETURN, _ALLOW)\n    yield _instruction(_LOAD, _NUMBER)",
        (FILTERS + "test_another_architectures_calls_are_refused",),
    ),
    Row(
        "aarch64 numbers",
        "app/sandbox/locks/system_calls.py",
        '"write": (1, 64)',
        '"write": (1, 65)',
        (
            FILTERS + "test_the_tables_have_the_numbers_of_linux",
            FILTERS + "test_the_allow_list_allows_what_is_on_it_and_nothing_else",
        ),
    ),
    Row(
        "the allow list is in force",
        "app/sandbox/locks/optional.py",
        "if self.allow_list else refusal_list(",
        "if not self.allow_list else refusal_list(",
        (FILTERS + "test_no_other_call_can_be_made_in_a_child",),
    ),
    Row(
        "memory of callbacks is made before the fork",
        "app/sandbox/server.py",
        "    kernel.prepare_callbacks()\n",
        "",
        (SELF_CHECK + "test_the_real_processors_need_nothing_else",),
    ),
    Row(
        "Landlock is in force",
        "app/sandbox/locks/landlock.py",
        "        _call(_RESTRICT_SELF, ruleset, 0)\n",
        "",
        (LANDLOCK + "test_no_other_payload_can_be_read_or_forged",),
    ),
    Row(
        "Landlock: not the temporary folder",
        "app/sandbox/locks/landlock.py",
        '_SHARED_LIBRARIES = ("/usr", "/lib", "/lib64")',
        '_SHARED_LIBRARIES = ("/usr", "/lib", "/lib64", "/tmp")',
        (
            LANDLOCK + "test_no_other_payload_can_be_read_or_forged",
            LANDLOCK + "test_a_package_that_is_not_installed_opens_its_own_folder_only",
        ),
    ),
    Row(
        "Landlock: of a checkout, its packages only",
        "app/sandbox/locks/landlock.py",
        'for name in ("stdlib", "platstdlib", "purelib", "platlib")]',
        'for name in ("stdlib", "platstdlib", "purelib", "platlib")] + [str(Path(__file__).parents[3])]',
        (LANDLOCK + "test_a_package_that_is_not_installed_opens_its_own_folder_only",),
    ),
    Row(
        "Landlock: the source is not writable",
        "app/sandbox/locks/landlock.py",
        "((readable, _READ), (writable, _WRITE & files))",
        "((readable, _WRITE & files), (writable, _WRITE & files))",
        (LANDLOCK + "test_no_other_payload_can_be_read_or_forged",),
    ),
    Row(
        "Landlock: no signals",
        "app/sandbox/locks/landlock.py",
        "if version >= 6:",
        "if version >= 60:",
        (LANDLOCK + "test_where_the_kernel_has_no_filter_parents_cannot_be_signalled",),
    ),
    Row(
        "Landlock: no TCP",
        "app/sandbox/locks/landlock.py",
        "parts.append(_BIND_AND_CONNECT_TCP)",
        "parts.append(0)",
        (SANDBOX + "test_where_the_kernel_refuses_both_locks_the_network_is_open",),
    ),
    Row(
        "samples are tried at the start",
        "app/sandbox/server.py",
        "    return check(probes, trials.passes, os.uname().machine) if probes else Findings(Locks())",
        "    return Findings(Locks())",
        (SELF_CHECK + "test_a_processor_that_needs_other_calls_works_under_refusals_and_the_alarm_is_told",),
    ),
    Row(
        "missing calls are named",
        "app/sandbox/locks/self_check.py",
        "        found.append(low - 1)",
        "        found.append(low)",
        (
            SELF_CHECK + "test_the_calls_that_are_missed_are_named_and_refusals_are_listed",
            SELF_CHECK + "test_a_processor_that_needs_other_calls_works_under_refusals_and_the_alarm_is_told",
        ),
    ),
    Row(
        "only what passes otherwise weakens a lock",
        "app/sandbox/locks/self_check.py",
        "if passes((probe,), _WEAKEST)]",
        "]",
        (SELF_CHECK + "test_a_sample_that_fails_anyway_weakens_nothing",),
    ),
    Row(
        "the alarm is told",
        "app/sandbox/greeting.py",
        "                WEAKER_SANDBOXES(1),\n",
        "",
        (SELF_CHECK + "test_a_processor_that_needs_other_calls_works_under_refusals_and_the_alarm_is_told",),
    ),
    Row(
        "shared folders are emptied",
        "app/sandbox/client.py",
        "                self._empty_shared(task)\n",
        "                pass\n",
        (LEFTOVERS + "test_without_landlock_the_shared_folder_is_emptied_after_each_task",),
    ),
    Row(
        "a worker that cannot empty them ends",
        "app/sandbox/client.py",
        "            os._exit(1)\n",
        "            return\n",
        (LEFTOVERS + "test_a_shared_folder_that_cannot_be_emptied_ends_the_worker",),
    ),
    Row(
        "only Lambda's are emptied",
        "app/bootstrap/adapters.py",
        "shared=SHARED_FOLDERS if IS_ALONE else ()",
        "shared=SHARED_FOLDERS",
        (LEFTOVERS + "test_only_lambdas_folders_are_emptied",),
    ),
)
