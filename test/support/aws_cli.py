"""Runs commands of the aws cli one after the other in one process.

A command in a process of its own spends nine tenths of its processor time on imports.

Each line of standard input is a JSON object {"args", "env"}. For each, a line {"code", "output", "errors"} goes to
standard output when the command has ended.
"""

import json
import os
import sys
import tempfile

from awscli.clidriver import create_clidriver


def run(args, env):
    """Runs one command with its output in files. Returns what a process of its own would have ended with and printed."""
    os.environ.update(env)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        os.dup2(output.fileno(), 1)
        os.dup2(errors.fileno(), 2)
        try:
            code = create_clidriver().main(args)
        except SystemExit as ended:
            code = ended.code
        sys.stdout.flush()
        sys.stderr.flush()
        return {"code": code or 0, "output": text_of(output), "errors": text_of(errors)}


def text_of(file):
    file.seek(0)
    return file.read().decode("utf-8", "replace")


reports = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    print(json.dumps(run(**json.loads(line))), file=reports, flush=True)
