"""Scripts that people and the Makefile run, each by its user.

ops/     for operators: deploy, watch, repair and delete a stage
build/   makes what is deployed or committed: bundles, docs/openapi.json, sample files
checks/  looks for faults in the template, the locks and changes of the API
"""
