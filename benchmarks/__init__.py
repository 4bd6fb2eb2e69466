"""How fast the processors are, and how much memory they take: ratios measured in one run.

    make benchmark                      everything, files up to 100 MB
    make benchmark SIZES="small huge"   small: up to 1 MB; large: up to 100 MB; huge: 1 GB
    python -m benchmarks.<name> [sizes]

* pipeline   each processor in its sandbox against the bare library calls it is made of
* tables     the same CSV by the dataset processor and by pandas' read_csv and describe
* sandbox    what a process of its own costs each object
* memory     the peak of the sandboxed child as CSV files grow, and of ten million rows

How to read it: machines differ and are shared, so seconds mean little and ratios
much. In each row the two sides take turns on one file, and medians are shown. What
is bare runs in a process of its own, imports and one warm-up call not counted: as
fast as it gets. What is ours includes the sandbox: a fork, its limits, a report
checked. Peaks are the high-water marks of resident memory (VmHWM) as each process
finds its own; ours counts all that the child shares with the fork server as well.
The files are made anew by formulas, the same each time.
"""
