"""Generated tables through the `dataset` processor: no cell may change in silence.

* forms       what other readers are known to alter, by family
* columns     columns of cells: plain ones, ones in a national style, hostile ones
* tables      a table of a seed and a number, and its bytes in one of five formats
* rendering   whether a value, with what the profile says of its column, is the cell as written
* stored      what the product wrote, read by pyarrow
* comparison  a whole table: names, rows, cells, counts, preview

Nothing here but the call of the processor shares code with the product: tables are
written by Python's csv and json and by pyarrow, and data.parquet is read by pyarrow.
"""
