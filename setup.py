# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from pathlib import Path

from setuptools import find_packages, setup

NAME = "obstacle_classifier"
SHARE = Path("share", NAME)


def share(folder: str, pattern: str) -> list[tuple[str, list[str]]]:
    """The files below a folder, to be installed in share/ with the same subfolders."""
    files = sorted(path for path in Path(folder).rglob(pattern) if path.is_file() and not path.name.startswith("."))
    return [(str(SHARE / file.parent), [str(file)]) for file in files]


setup(
    name=NAME,
    version="0.1.0",
    description="Multilabel obstacle classification for sidewalk robots, in NumPy, for ROS 2",
    author="obstacle_classifier maintainers",
    author_email="maintainers@example.org",
    maintainer="obstacle_classifier maintainers",
    maintainer_email="maintainers@example.org",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (str(SHARE), ["package.xml"]),
        *share("launch", "*.launch.py"),
        *share("config", "*"),
    ],
    install_requires=["jsonschema", "numpy", "PyYAML"],
    # colcon runs the tests with pytest because it is named here.
    extras_require={"offline": ["matplotlib", "mujoco", "pillow", "rosbags", "tqdm"], "test": ["pytest"]},
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "classifier_node = obstacle_classifier.nodes.classifier_node:main",
            "simulator_node = obstacle_classifier.nodes.simulator_node:main",
            "trainer_node = obstacle_classifier.nodes.trainer_node:main",
            "obstacle_classifier = obstacle_classifier.cli:main",
        ],
    },
)
