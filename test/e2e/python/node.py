"""A node of this build as a process of its own, in a fresh folder, on a free port."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile


class Node:
    def __init__(self):
        program = pathlib.Path(os.environ["CARAFE_BINARY_DIR"]) / "bin" / "carafed"
        self._folder = tempfile.TemporaryDirectory(prefix="carafe-python-")
        self._log = open(pathlib.Path(self._folder.name) / "log", "w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [
                program,
                f"--carafe.data-dir={self._folder.name}/data",
                "--carafe.client-port=0",
                "--carafe.cluster-port=0",
                "--carafe.segment-bytes=16MiB",
            ],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        line = self._process.stdout.readline()
        found = re.match(r"ready client=(\S+):(\d+) ", line)
        if not found:
            self.stop()
            raise RuntimeError(f"the node did not start: {self.log()}")
        self.host, self.port = found[1], int(found[2])

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def stop(self):
        """Returns the exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process.stdout.close()
        self._log.close()
        self._folder.cleanup()
        return code
