"""Benchmarks of speed and memory, as ratios measured in one run.

    make benchmark                      everything, with files up to 100 MB
    make benchmark SIZES="small huge"   small: up to 1 MB; large: up to 100 MB; huge: 1 GB
    make bench-api                      the API, apart since its peers have packages of their own
    python -m benchmarks.<name> [sizes]

* pipeline   each processor in its sandbox, against the bare library calls that it makes
* proof      the dataset processor, against the same that proves no cell
* pictures   photos of 12 and 48 megapixels, a screenshot and a scan, against Pillow alone and pyvips
* peers      tables of each form by the dataset processor, DuckDB with proofs and without, Polars, pandas
             and ydata-profiling
* documents  PDFs by the document processor, bare PDFium and poppler
* api        starts and requests of the functions, against plain boto3, Chalice, Powertools and FastAPI
* wide       tables of up to 5,000 columns, against ten columns with as many cells
* tables     the same CSV by the dataset processor, and by pandas' read_csv and describe
* sandbox    what a process of its own costs each object
* relay      records a second on calls of 5 ms, and with 5% and 20% of them failing
* fairness   small payloads of nine owners, alone and while a tenth floods the service with its worst
* way        from an upload until its object is ready, on one machine
* waiters    until waiting clients are told of a change
* door       what the emulator's door adds to an upload
* lists      items that a page of each list reads, at 1,000 and at 100,000 objects
* costs      the tables of docs/deploying.md, from prices.json; not measured, and not part of the rest
* memory     peak memory of the sandboxed child as CSV files grow, and for ten million rows

How to read the results: machines differ and are shared, so look at the ratios and not at
the seconds. In each row the two sides take turns on one file, and medians are shown.
"bare" or "pandas" is a process of its own; imports and one warm-up call are not counted,
so it is as fast as the library gets. "ours" includes the sandbox: a fork, its limits and
the check of its report. Each process reports its own peak of resident memory (VmHWM).
For "ours" that includes what the child shares with the fork server. The files are made
by formulas, so they are the same on every machine.
"""
