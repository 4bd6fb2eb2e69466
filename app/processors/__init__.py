"""The processors of payloads: a file on disk goes in, a report and artifacts come out.

report.py        the contract: Task in, Report out
recognition/     what a file is, and the check of its type that every kind makes
texts.py         which encoding a text is in, and its characters; with
                 charsets    those that may be declared
                 guesses     what a text that names none is in; by plausible, western, alphabets, frequent
file.py          one module or folder per kind
document/        also its samples; of a PDF: content, filters, objects, annotations
dataset/         also its samples; schema and nested of parquet/, statistics of profile/
image/

A processor knows neither the cloud nor the sandbox that it runs in.
"""
