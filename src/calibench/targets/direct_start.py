"""Start a job on a machine at once, as a process group of its own that outlives the connection."""

from shlex import quote

from calibench.errors import TargetError
from calibench.targets.link import Answer, Link
from calibench.targets.starter import QueueState

ASKED_S = 1.5
"""Seconds between asking a job to stop and ending it by force."""

LOOKS = """\
began() {
    if [ -r "/proc/$1/stat" ]; then
        IFS= read -r line < "/proc/$1/stat" || return 0
        set -- ${line##*) }
        case $1 in Z|X) return 0;; esac
        shift 19; printf '%s-%s' "$1" "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
    elif [ ! -d /proc/self ]; then ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' -
    fi
}
"""
"""Shell: when a process began, as one word; nothing where it is not there or has ended and waits to be reaped. With the
number of the process it names one process for ever, also after the machine was rebooted."""

START = """\
cd {folder} || exit 3
group=$(cat pgid 2>/dev/null); since=$(cat pgid.began 2>/dev/null)
if [ -n "$since" ] && [ "$since" = "$(began "$group")" ]; then echo "$group $since"; exit 0; fi
rm -f pgid pgid.began; uname -n > pgid.host
setsid sh -c 'echo $$ > pgid.new && mv pgid.new pgid && exec env PYTHONUNBUFFERED=1 '{command} \\
    >> log.txt 2>&1 < /dev/null &
n=0
while [ ! -s pgid ] && [ $n -lt 100 ]; do sleep 0.05; n=$((n + 1)); done
group=$(cat pgid) || exit 4
since=$(began "$group"); echo "$since" > pgid.began
echo "$group ${{since:-gone}}"
"""
"""Started twice, as by somebody who was killed before he could note the first answer, it gives that answer again."""

STOP = """\
now=$(began {group})
if [ -n "$now" ] && [ "$now" != {began} ]; then exit 0; fi
kill -TERM -{group} 2>/dev/null
n=0
while [ -n "$(began {group})" ] && [ $n -lt {tries} ]; do sleep 0.1; n=$((n + 1)); done
kill -KILL -{group} 2>/dev/null
n=0
while [ -n "$(began {group})" ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
exit 0
"""


class DirectStart:
    """Runs a job as soon as it is started. A handle is the number of its process group and when that began."""

    async def start(self, link: Link, folder: str, command: str) -> str:
        """As of Starter; a job that runs in the folder already is not started again.

        Args:
            command: one command with its arguments, which takes the place of the shell.
        """
        script = LOOKS + START.format(folder=quote(folder), command=quote(command))
        answer = await link.run(script)
        handle = answer.out.decode(errors="replace").strip()
        if answer.code or not handle:
            raise TargetError(f"{link.name}: the job could not be started in {folder} ({_said(answer)}).")
        return handle

    async def look(self, link: Link, handle: str) -> QueueState:
        """As of Starter; it never waits."""
        group, began = _parts(handle)
        answer = await link.run(f"{LOOKS}began {group}")
        is_there = bool(began) and answer.out.decode(errors="replace").strip() == began
        return QueueState("running") if is_there else QueueState("ended")

    async def stop(self, link: Link, handle: str) -> None:
        """As of Starter; it is asked first, so that it can clean up, and ended by force after ASKED_S."""
        group, began = _parts(handle)
        await link.run(LOOKS + STOP.format(group=group, began=quote(began), tries=int(ASKED_S * 10)))


def _parts(handle: str) -> tuple[int, str]:
    group, _, began = handle.partition(" ")
    if not group.isdecimal() or int(group) < 2:  # 0 and 1 would be the group of the shell, and everybody
        raise TargetError(f"{handle!r}: names no process group. Was remote.json changed?")
    return int(group), began


def _said(answer: Answer) -> str:
    lines = answer.err.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else f"exit code {answer.code}"
