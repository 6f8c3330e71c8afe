"""Loads the two schemas that a client needs."""

import pathlib

import capnp

capnp.remove_import_hook()

SOURCE = pathlib.Path(__file__).resolve().parents[3]
# pycapnp ships capnp/c++.capnp, which the schemas import, in its own folder.
_IMPORTS = [str(pathlib.Path(capnp.__file__).resolve().parents[1])]

wire = capnp.load(str(SOURCE / "schema" / "wire.capnp"), imports=_IMPORTS)
batch = capnp.load(str(SOURCE / "schema" / "batch.capnp"), imports=_IMPORTS)
