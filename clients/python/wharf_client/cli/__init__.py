"""The command line `wharf`. Results go to standard output, all else to standard error.

__main__       runs a command             exits   the exit code of each error
commands       the commands, with their options
outcomes       what came of each of several objects, and the exit code
connection     where the service is and who asks, from the environment
unfinished     the keys of uploads that did not end, to go on with them
kinds          kind and media type of a file, by its name
screen         tables and progress bars        profiles   a data set's columns, drawn
listening      a receiver of webhooks on this machine
"""
