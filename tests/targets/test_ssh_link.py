"""What only a link over SSH does."""

import asyncio

from ssh_server import SshServer

from calibench.targets.ssh_link import connect


def test_it_logs_in_as_an_ordinary_user(ssh_server: SshServer) -> None:
    async def _run() -> None:
        link = await connect(ssh_server.spec())
        try:
            assert link.name == f"{ssh_server.user}@127.0.0.1:{ssh_server.relay.port}"
            answer = await link.run("id -un; pwd; cat; echo bad >&2; exit 3", given=b"told")
            assert answer.out.decode() == f"{ssh_server.user}\n{ssh_server.home}\ntold"
            assert (answer.code, answer.err) == (3, b"bad\n")
        finally:
            await link.close()

    asyncio.run(_run())
