"""A wheel carries the workflow, which lies beside the package here, inside of it; all else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CARRIED = ("Snakefile", "workflow/**/*", "profiles/**/*")


class BuildWithWorkflow(build_py):
    """What ``evenhand.py`` finds as ``HOME``. Where a package is installed to be edited, that is the repository."""

    def _carried(self) -> list[str]:
        return sorted(str(path) for pattern in CARRIED for path in Path().glob(pattern) if path.is_file())

    def run(self) -> None:
        super().run()
        for file in [] if self.editable_mode else self._carried():
            target = Path(self.build_lib, "study", "repository", file)
            self.mkpath(str(target.parent))
            self.copy_file(file, str(target))

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *self._carried()]


setup(cmdclass={"build_py": BuildWithWorkflow})
