# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""`rosbag2_interfaces/srv/Snapshot` where rosbag2 is not installed, built from its definition by ROS 2's generators."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

PACKAGE = "rosbag2_interfaces"
DEFINITION = "---\nbool success\n"
# The generators by module and class, with the only type support that they are to generate for.
GENERATORS = (
    ("rosidl_generator_c.cli", "GenerateC", None),
    ("rosidl_generator_py.cli", "GeneratePython", "rosidl_typesupport_c"),
    ("rosidl_typesupport_fastrtps_c.cli", "GenerateFastRTPSCTypesupport", None),
    ("rosidl_typesupport_c.cli", "GenerateCTypesupport", "rosidl_typesupport_fastrtps_c"),
)
LIBRARIES = (
    *("stdc++", "fastcdr", "rmw", "rosidl_runtime_c", "rosidl_typesupport_c", "rosidl_typesupport_fastrtps_c"),
    *("rosidl_typesupport_fastrtps_cpp", "builtin_interfaces__rosidl_generator_c"),
    *(f"service_msgs__rosidl_{kind}" for kind in ("generator_c", "generator_py", "typesupport_c")),
    "service_msgs__rosidl_typesupport_fastrtps_c",
)


@contextmanager
def snapshot_type(folder: Path) -> Iterator[None]:
    """Make `rosbag2_interfaces` importable in this process and its children; skips where it cannot be built.

    A DDS type is its name and its fields: the service is the recorder's own.
    """
    if find_spec(PACKAGE) is not None:
        yield
        return
    compiler = shutil.which("gcc")
    if compiler is None or not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        pytest.skip(f"{PACKAGE} is not installed, and there is no gcc with Python's headers to build its Snapshot")
    if not os.environ.get("AMENT_PREFIX_PATH"):
        pytest.skip(f"{PACKAGE} is not installed, and AMENT_PREFIX_PATH does not name the generators that build it")
    _build(compiler, folder)
    before = os.environ.get("PYTHONPATH")
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([before] if before else [])])
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]


def _build(compiler: str, folder: Path) -> None:
    """Write the package with its extension module to `folder`."""
    prefix = Path(os.environ["AMENT_PREFIX_PATH"].split(os.pathsep)[0])
    definition = folder / "definition"
    (definition / "srv").mkdir(parents=True)
    (definition / "srv" / "Snapshot.srv").write_text(DEFINITION, encoding="utf-8")
    package = folder / PACKAGE
    for module, name, only in GENERATORS:
        options = {} if only is None else {"typesupport_implementations": [only]}
        generator = getattr(importlib.import_module(module), name)(name, **options)
        generator.generate(PACKAGE, [f"{definition}:srv/Snapshot.srv"], [str(prefix / "share")], package)
    (package / "__init__.py").touch()
    sources = sorted({*package.rglob("*.c"), *package.rglob("*.cpp")})
    headers = [folder, Path(sysconfig.get_paths()["include"]), Path(np.get_include()), prefix / "include"]
    headers += [path for path in (prefix / "include").iterdir() if path.is_dir()]
    extension = package / f"{PACKAGE}_s__rosidl_typesupport_c{sysconfig.get_config_var('EXT_SUFFIX')}"
    command = [compiler, "-shared", "-fPIC", "-w", "-o", str(extension), *map(str, sources)]
    command += [f"-I{path}" for path in headers]
    command += [f"-L{prefix / 'lib'}", f"-Wl,-rpath,{prefix / 'lib'}", *(f"-l{library}" for library in LIBRARIES)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-4000:]
