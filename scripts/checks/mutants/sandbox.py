"""Controls that hold for a payload, and for somebody who took its parser over."""

from scripts.checks.mutants.row import Row

SANDBOX = "app/sandbox/"
TESTS = "tests/unit/sandbox/test_sandbox.py::"
TOO_MUCH = (TESTS + "test_whoever_wants_too_much_gets_nothing",)
OUTPUT = ("tests/unit/sandbox/test_output.py::test_what_is_no_file_in_this_very_folder_is_no_artifact",)
HOSTILE = (TESTS + "test_what_a_hostile_child_says_is_not_believed",)
CANARY = (TESTS + "test_nothing_of_a_payload_is_in_the_memory_of_a_later_child",)
SHARED = (TESTS + "test_shared_memory_counts_where_no_filter_refuses_it",)
MACHINE = "tests/unit/services/background/test_processing.py::"
RECOGNITION = "app/processors/recognition/"
RECOGNISED = "tests/unit/processors/test_recognised_files.py::"
BOMBS = RECOGNISED + "test_a_bomb_costs_nothing"
RELAYED = """\
    said = os.read(ends.job, 65_536)
    exit_, entrance = os.pipe()
    os.write(entrance, said)
    os.close(entrance)
    ends = ends._replace(job=exit_)
    with Watch(order) as watch:
"""

ROWS = (
    Row(
        "a marker without a length hides no scans of a JPEG",
        "app/processors/image/formats/jpeg.py",
        r"\xff[^\x00\x01\xff\xd0-\xd7]",
        r"\xff[^\x00\xff\xd0-\xd7]",
        (
            "tests/unit/processors/test_image_limits.py::test_scans_count_once_each_and_not_those_of_a_picture_inside",
        ),
    ),
    Row(
        "a worker that cannot open an artifact blames no payload",
        SANDBOX + "output.py",
        "                raise\n            raise OutputError",
        "                pass\n            raise OutputError",
        ("tests/unit/sandbox/test_output.py::test_a_worker_that_can_open_no_file_blames_no_payload",),
    ),
    Row(
        "a worker that cannot look into the output blames no payload",
        SANDBOX + "output.py",
        "            raise\n        return True",
        "            pass\n        return True",
        ("tests/unit/sandbox/test_output.py::test_a_worker_that_can_open_no_file_blames_no_payload",),
    ),
    Row(
        "two artifacts have two names",
        SANDBOX + "output.py",
        "        if len({artifact.name for artifact in report.artifacts}) < len(report.artifacts):\n",
        "        if report.artifacts and not report.artifacts[0].name:\n",
        ("tests/unit/sandbox/test_output.py::test_two_artifacts_of_one_name_are_none",),
    ),
    Row(
        "the fork server does not read what is the child's",
        SANDBOX + "server.py",
        "    with Watch(order) as watch:\n",
        RELAYED,
        CANARY,
    ),
    Row(
        "artifacts are few",
        SANDBOX + "verdict.py",
        "if len(entries) > ARTIFACTS:",
        "if len(entries) < 0:",
        TOO_MUCH,
    ),
    Row(
        "a child cannot claim the service's own problems",
        SANDBOX + "verdict.py",
        "if problem in _OF_THE_SERVICE:",
        "if not problem:",
        (TESTS + "test_a_crash_rejects_one_payload_and_the_next_is_processed",),
    ),
    Row(
        "an abort for want of memory is over a limit",
        SANDBOX + "verdict.py",
        "        if self._aborted_for_memory():\n",
        "        if not self.job:\n",
        (
            "tests/unit/sandbox/test_sandbox_kinds.py::test_a_pdf_that_needs_too_much_memory_is_over_a_limit_and_no_crash",
        ),
    ),
    Row(
        "other aborts are crashes",
        SANDBOX + "verdict.py",
        "return self.ending.status == -signal.SIGABRT and self.ending.added_bytes >= needed",
        "return self.ending.status == -signal.SIGABRT",
        (TESTS + "test_a_crash_rejects_one_payload_and_the_next_is_processed",),
    ),
    Row(
        "a claimed full disk is compared with the disk",
        SANDBOX + "verdict.py",
        'case "disk" if self.ending.free_bytes < limits.disk_bytes:',
        'case "disk":',
        (TESTS + "test_a_full_disk_is_not_believed_where_there_is_room",),
    ),
    Row(
        "no payload is judged on a full disk",
        SANDBOX + "verdict.py",
        "if ending.free_bytes >= LEAST_FREE_BYTES:",
        "if job:",
        (TESTS + "test_no_payload_is_judged_on_a_full_disk",),
        needs_root=True,
    ),
    Row(
        "an error of a crash is a name",
        SANDBOX + "verdict.py",
        "_matching(ERROR_NAME, errors[:LOGGED_ERRORS])",
        "list(errors[:LOGGED_ERRORS])",
        (TESTS + "test_nothing_that_a_child_makes_up_reaches_the_log",),
    ),
    Row(
        "a frame of a crash is one",
        SANDBOX + "verdict.py",
        "_matching(FRAME, frames[-CRASH_FRAMES:])",
        "list(frames[-CRASH_FRAMES:])",
        (TESTS + "test_nothing_that_a_child_makes_up_reaches_the_log",),
    ),
    Row(
        "an artifact is not a link",
        SANDBOX + "output.py",
        "os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder",
        "os.O_RDONLY | os.O_NONBLOCK, dir_fd=folder",
        OUTPUT,
    ),
    Row(
        "an artifact is a file",
        SANDBOX + "output.py",
        "if not stat.S_ISREG(os.fstat(file).st_mode):",
        "if not os.fstat(file).st_mode:",
        OUTPUT,
    ),
    Row(
        "the output folder is the one it was",
        SANDBOX + "output.py",
        "if _identity(os.fstat(folder)) != self._identity:",
        "if not self._identity:",
        OUTPUT,
    ),
    Row(
        "an artifact has a plain name and type",
        SANDBOX + "output.py",
        "if not (_NAME.fullmatch(name) and _MEDIA_TYPE.fullmatch(media_type)):",
        "if not name:",
        HOSTILE,
    ),
    Row(
        "memory of a child's own is bounded",
        SANDBOX + "child.py",
        '"RLIMIT_DATA": lambda: _limit(resource.RLIMIT_DATA, _data_bytes() + limits.memory_bytes),',
        '"RLIMIT_DATA": lambda: None,',
        (TESTS + "test_whoever_wants_too_much_gets_nothing[reserve_memory-64 MiB of memory]",),
    ),
    Row(
        "a file is bounded",
        SANDBOX + "child.py",
        '"RLIMIT_FSIZE": lambda: _limit(resource.RLIMIT_FSIZE, limits.file_bytes),',
        '"RLIMIT_FSIZE": lambda: None,',
        TOO_MUCH,
    ),
    Row(
        "open files are bounded",
        SANDBOX + "child.py",
        '"RLIMIT_NOFILE": lambda: _limit(resource.RLIMIT_NOFILE, OPEN_FILES),',
        '"RLIMIT_NOFILE": lambda: None,',
        TOO_MUCH,
    ),
    Row(
        "time of the processor is bounded",
        SANDBOX + "child.py",
        '"RLIMIT_CPU": lambda: _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),',
        '"RLIMIT_CPU": lambda: None,',
        ("tests/unit/sandbox/test_limits.py",),
    ),
    Row(
        "a child has a session of its own",
        SANDBOX + "child.py",
        "    os.setsid()\n",
        "",
        (TESTS + "test_the_child_has_a_session_of_its_own_and_one_open_file",),
    ),
    Row(
        "a child inherits no open file",
        SANDBOX + "child.py",
        "    os.closerange(REPLY_FD + 1, HIGHEST_FD)\n",
        "",
        (
            TESTS + "test_the_child_has_a_session_of_its_own_and_one_open_file",
            TESTS + "test_the_child_inherits_no_socket_of_the_workers",
        ),
    ),
    Row(
        "a child has no capabilities",
        SANDBOX + "child.py",
        '"capabilities": kernel.drop_capabilities,',
        '"capabilities": lambda: None,',
        (TESTS + "test_where_the_kernel_refuses_both_locks_the_parents_are_still_closed",),
        needs_root=True,
    ),
    Row(
        "a child filters its system calls",
        SANDBOX + "child.py",
        '"seccomp": locks.filter_system_calls,',
        '"seccomp": lambda: None,',
        (
            TESTS + "test_the_network_and_other_programs_are_refused",
            TESTS + "test_the_lambda_runtime_api_is_out_of_reach_and_not_even_named",
        ),
    ),
    Row(
        "a child ends with its server",
        SANDBOX + "child.py",
        '"parent_death_signal": lambda: _die_with(server),',
        '"parent_death_signal": lambda: None,',
        (TESTS + "test_a_fork_server_may_die_once_in_a_task",),
    ),
    Row(
        "the fork server's memory is closed",
        SANDBOX + "server.py",
        '"dumpable": kernel.hide_from_other_processes, ',
        "",
        (TESTS + "test_what_hides_the_workers_environment_is_that_it_is_not_dumpable",),
    ),
    Row(
        "the worker's memory is closed",
        SANDBOX + "client.py",
        "            kernel.hide_from_other_processes()\n",
        "            pass\n",
        (TESTS + "test_what_hides_the_workers_environment_is_that_it_is_not_dumpable",),
    ),
    Row(
        "the sandbox has none of the worker's environment",
        SANDBOX + "client.py",
        'return fixed | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}',
        "return {**os.environ, **fixed}",
        (TESTS + "test_the_child_inherits_no_credentials",),
    ),
    Row(
        "the address of Lambda's runtime API is not in a child's environment",
        SANDBOX + "client.py",
        'for name in ("LD_LIBRARY_PATH",) if name in os.environ}',
        'for name in ("LD_LIBRARY_PATH", "AWS_LAMBDA_RUNTIME_API") if name in os.environ}',
        (TESTS + "test_the_lambda_runtime_api_is_out_of_reach_and_not_even_named",),
    ),
    Row(
        "shared memory counts",
        SANDBOX + "watch.py",
        'HELD = (b"RssAnon:", b"RssShmem:", b"VmSwap:")',
        'HELD = (b"RssAnon:", b"VmSwap:")',
        SHARED,
    ),
    Row(
        "memory of all processes of a child counts",
        SANDBOX + "watch.py",
        "            yield from descendants(int(each))\n",
        "",
        SHARED,
    ),
    Row(
        "memory is watched",
        SANDBOX + "watch.py",
        "if self._added_bytes() > self.order.memory_bytes:",
        "if self._added_bytes() < 0:",
        SHARED,
    ),
    Row(
        "a child that computes for long gives way",
        SANDBOX + "watch.py",
        "                give_way(pid)\n",
        "",
        (TESTS + "test_whoever_computes_for_long_gives_way_to_all_others",),
    ),
    Row(
        "the session of a child that computes for long gives way",
        SANDBOX + "watch.py",
        '        Path(f"/proc/{pid}/autogroup").write_text(str(NICER_BY), encoding="ascii")\n',
        "        pass\n",
        ("tests/unit/sandbox/test_watch.py::test_a_session_gives_way_where_the_kernel_counts_by_sessions",),
        needs_root=True,
    ),
    Row(
        "the output folder is watched",
        SANDBOX + "watch.py",
        "if is_over(self.order.disk_bytes, self.order.output):",
        "if not self.order:",
        (TESTS + "test_whoever_wants_too_much_gets_nothing[write_many_files-more than 8 MiB]",),
    ),
    Row(
        "a preview without memory is over a limit",
        "app/processors/image/render.py",
        "if WITHOUT_MEMORY.match(str(error)):",
        "if not str(error):",
        (
            "tests/unit/processors/test_image_limits.py::test_a_picture_is_ready_or_too_large_however_little_memory_it_has",
        ),
    ),
    Row(
        "threads are few",
        SANDBOX + "watch.py",
        "if sum(map(threads, descendants(os.getpid()))) > MOST_THREADS:",
        "if not self.order:",
        (TESTS + "test_whoever_wants_too_much_gets_nothing[start_many_threads-more than 64 threads]",),
    ),
    Row(
        "files are few",
        SANDBOX + "output.py",
        "if total > allowed or count > MOST_FILES:",
        "if total > allowed:",
        ("tests/unit/sandbox/test_output.py::test_a_folder_holds_so_many_files_and_no_more",),
    ),
    Row(
        "a workspace goes, whatever is in it",
        "app/services/background/workspaces.py",
        "        remove(folder)\n\n",
        "        __import__('shutil').rmtree(folder)\n\n",
        ("tests/unit/services/background/test_workspaces.py",),
    ),
    Row(
        "a full disk ends a child",
        SANDBOX + "watch.py",
        "if self.free_bytes < LEAST_FREE_BYTES:",
        "if not self.order:",
        (TESTS + "test_a_child_ends_when_the_disk_is_full",),
        needs_root=True,
    ),
    Row(
        "a fault of the worker's machine is nobody's attempt",
        "app/services/background/processing.py",
        "is_attempt = not is_workers_own(fault)",
        "is_attempt = True",
        (MACHINE + "test_a_fault_of_the_workers_machine_is_no_attempt_however_often_it_comes",),
    ),
    Row(
        "a full disk is found behind another fault",
        "app/services/background/processing.py",
        "        fault = fault.__cause__ or fault.__context__\n    return False",
        "        fault = None\n    return False",
        (MACHINE + "test_a_full_disk_that_somebody_else_tells_of_is_no_attempt_either",),
    ),
    Row(
        "DuckDB opens its input only",
        "app/processors/dataset/engine.py",
        '    connection.execute("SET enable_external_access = false")\n',
        "",
        ("tests/unit/processors/test_dataset_lock.py",),
    ),
    Row(
        "a child names types that the kind takes",
        "app/services/background/processing.py",
        "    if found != meant and kind.media_types is not None and found not in kind.media_types:",
        "    if not found:",
        (MACHINE + "test_a_type_that_the_kind_does_not_take_is_not_believed",),
    ),
    Row(
        "a child names what is a media type",
        SANDBOX + "verdict.py",
        "        if not (media_type is None or is_media_type(media_type)):",
        "        if media_type == 1:",
        (
            TESTS
            + "test_a_crash_rejects_one_payload_and_the_next_is_processed[name_what_is_not_a_media_type]",
        ),
    ),
    Row(
        "what is packed is unpacked up to a limit",
        RECOGNITION + "archives.py",
        ".decompress(packed, MOST_UNPACKED_BYTES)",
        ".decompress(packed)",
        (BOMBS,),
    ),
    Row(
        "comments are passed over one by one",
        RECOGNITION + "markup.py",
        "    doctype, root = _beginning(text)\n",
        "    re.match(rb'(<!--.*?-->\\s*)*<html', text[:175], re.DOTALL)\n"
        "    doctype, root = _beginning(text)\n",
        (BOMBS,),
    ),
    Row(
        "an archive is one of the types that it may claim",
        RECOGNITION + "archives.py",
        'rb"application/epub\\+zip|',
        'rb"[ -~]+|',
        (RECOGNISED + "test_an_archive_is_not_believed_to_be_any_type_that_it_names",),
    ),
    Row(
        "a file of another family is refused",
        RECOGNITION + "__init__.py",
        "    return found is not None and not goes_with(expected, found)",
        "    return False",
        (RECOGNISED + "test_what_is_plainly_something_else_is_a_contradiction",),
    ),
    Row(
        "scans of a picture are bounded",
        "app/processors/image/decode.py",
        "if image.width * image.height * scans > MOST_SCANNED_PIXELS:",
        "if scans < 0:",
        (
            "tests/unit/processors/test_image_limits.py::test_a_small_jpeg_that_goes_over_its_pixels_again_and_again_is_refused",
        ),
    ),
)
