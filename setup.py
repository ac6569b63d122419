# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from pathlib import Path

from setuptools import find_packages, setup

NAME = "obstacle_classifier"
SHARE = Path("share", NAME)
URL = "https://github.com/obstacle-classifier/obstacle_classifier"
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "QUALITY_DECLARATION.md", "LICENSE")


def share(folder: str, pattern: str) -> list[tuple[str, list[str]]]:
    """The files below a folder, as entries of `data_files` that keep the subfolders."""
    files = sorted(path for path in Path(folder).rglob(pattern) if path.is_file() and not path.name.startswith("."))
    return [(str(SHARE / file.parent), [str(file)]) for file in files]


setup(
    name=NAME,
    version="0.1.0",
    description="Multilabel obstacle classification for sidewalk robots, in NumPy, for ROS 2",
    author="obstacle_classifier maintainers",
    author_email="obstacle-classifier@users.noreply.github.com",
    maintainer="obstacle_classifier maintainers",
    maintainer_email="obstacle-classifier@users.noreply.github.com",
    license="Apache-2.0",
    url=URL,
    project_urls={"Source": URL, "Bug tracker": f"{URL}/issues"},
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed", "labelling/browser/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (str(SHARE), ["package.xml", *PAGES]),  # docs/ links to the pages
        *share("launch", "*.launch.py"),
        *share("config", "*"),
        *share("docs", "*"),
    ],
    install_requires=["jsonschema", "numpy", "PyYAML"],
    # colcon runs the tests with pytest because an extra names it.
    extras_require={
        "offline": ["matplotlib", "mujoco", "pillow", "rosbags", "tqdm"],
        "label": ["nicegui", "pillow", "rosbags", "tqdm"],
        "test": ["pytest"],
    },
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
