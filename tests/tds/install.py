"""`make test-sql`: what the tests of SQL Server need and Python's packages do not bring."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys

from claimsctl.errors import DriverMissing
from claimsctl.sql.drivers import carried_driver, installed_drivers

PACKAGES = ("unixodbc", "tdsodbc")
MICROSOFT = "mssql-python-odbc"
ELSEWHERE = """\
The tests of SQL Server need unixODBC and FreeTDS's ODBC driver, registered as [FreeTDS] in odbcinst.ini:
  Debian, Ubuntu  apt-get install unixodbc tdsodbc
  Fedora, RHEL    dnf install unixODBC freetds-libs
  macOS           brew install unixodbc freetds
Without them those tests are skipped."""


def freetds_is_installed() -> bool:
    try:
        return any(name.lower() == "freetds" for name in installed_drivers())
    except DriverMissing:
        return False


def install_freetds() -> None:
    """With apt-get where there is one, as root; elsewhere say what to do."""
    if shutil.which("apt-get") is None or platform.system() != "Linux":
        print(ELSEWHERE)
        return
    rights = [] if os.geteuid() == 0 else ["sudo"]
    if rights and shutil.which("sudo") is None:
        print(f"As root: apt-get install {' '.join(PACKAGES)}\n{ELSEWHERE}")
        return
    print(
        f"Installing {' and '.join(PACKAGES)}{' (sudo may ask for your password)' if rights else ''}",
        flush=True,
    )
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", *PACKAGES]):
        if subprocess.run([*rights, *command], stdout=subprocess.DEVNULL).returncode:
            print(f"{' '.join(command)} failed.\n{ELSEWHERE}")
            return


def install_microsofts() -> None:
    """Its licence allows it for development and tests, to whoever accepts it; so it is asked for."""
    if carried_driver() is not None:
        return
    if os.environ.get("ACCEPT_EULA", "").upper() != "Y":
        print(
            "Without Microsoft's driver: its licence has to be accepted first. To test with it as well:\n"
            "  ACCEPT_EULA=Y make test-sql"
        )
        return
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", MICROSOFT], check=False
    )


def main() -> None:
    if not freetds_is_installed():
        install_freetds()
    install_microsofts()


if __name__ == "__main__":
    main()
