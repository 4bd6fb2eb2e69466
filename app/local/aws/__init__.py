"""AWS on this machine.

emulator.py    runs the emulator as a child process, by launcher.py; opens the ports to listen on
template.py    template.yaml without what only AWS has
stack.py       deploys the template and describes the result
"""
