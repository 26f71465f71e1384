"""An sshd on a host of a network of its own, which lets the user of the usual one in, with the same keys."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
from network_hosts import Host
from ssh_server import WAIT_S, SshServer

PORT = 2222


@contextmanager
def sshd_on(server: SshServer, host: Host) -> Iterator[None]:
    """For the time of a block; it is gone afterwards, with its connections."""
    config = server.place / "lab_config"
    usual = (server.place / "sshd_config").read_text()
    config.write_text(
        usual.replace("127.0.0.1", host.address).replace(f"Port {server.direct_port}", f"Port {PORT}"), encoding="utf-8"
    )
    config.chmod(0o644)
    command = [*host.within, *server._as_user(), "/usr/sbin/sshd", "-D", "-e", "-f", str(config)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/")
    try:
        assert process.stderr is not None
        assert any("listening" in line for line in process.stderr)
        yield
    finally:
        left = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left, WAIT_S)
        process.communicate()
