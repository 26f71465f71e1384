"""The script that a batch queue runs: what it does around the job's command, and the files that it writes beside it.

started       when it began (seconds since 1970) and on which machine
told_to_end   when the queue sent it TERM: cancelled, or soon at its walltime
exit_code     of the command; written last
job.sh, submitted, code: the script, the number that the queue gave it, and what the script passes to itself

These files are the truth about a job: what a queue says of one that has ended differs from queue to queue.
"""

from dataclasses import dataclass
from shlex import quote

from calibench.targets.link import Link

SCRIPT, SUBMITTED = "job.sh", "submitted"
WARNED_S = 60
"""Seconds before its walltime at which a job is told to end, so that what it found so far is written."""
FORCED_S = 4
"""Seconds that a job has for its end when it is cancelled; some queues wait half a minute before they kill."""
WORTH_WARNING_S = 180
"""Walltimes from here on are warned of; Slurm may warn a minute early, and shorter jobs would lose too much."""

NEW_LINE = "\n"
BODY = """\
cd {folder} || exit 98
exec >> log.txt 2>&1 < /dev/null
export CALIBENCH_CORES={cores}
write() {{ echo "$2" > "$1.part" && mv "$1.part" "$1"; }}
job= watched= timer= forcing=
# Some queues send TERM to this shell alone, others to all processes: then the sleeper is gone as well.
told() {{
    echo "The queue told this job to end."
    write told_to_end "$(date +%s)"
    sleep 0.5
    [ -n "$job" ] || return
    if kill -0 "$watched"; then kill -TERM -- "-$job"; else (sleep {forced_s}; kill -KILL -- "-$job") & forcing=$!; fi
}} 2> /dev/null
trap told TERM
write started "$(date +%s) $(uname -n)"
set -m
sleep 2147483 &
watched=$!
{timer}if [ ! -e told_to_end ]; then
    /bin/sh -c {command} &
    job=$!
    [ ! -e told_to_end ] || kill -TERM -- "-$job"
    wait "$job"
    code=$?
    while kill -0 "$job"; do sleep 0.2; code=137; done
    for one in 1 2 3 4 5 6 7 8 9 10; do kill -0 -- "-$job" || break; sleep 0.1; done
    kill -KILL -- "-$job"
fi 2> /dev/null
exec 2> /dev/null
for one in $watched $timer $forcing; do kill -KILL -- "-$one"; done
[ ! -s code ] || code=$(cat code)
write exit_code "${{code:-143}}"
exit "${{code:-143}}"
"""
TIMER = """\
(sleep {seconds}; kill -TERM $$) &
timer=$!
"""


def body(folder: str, command: str, cores: int, warn_after_s: int | None = None) -> str:
    """What stands below the directives.

    Args:
        cores: that are used; many queues count them, and bind nothing to them.
        folder: of the job as the shell reads it, such as a variable of the queue in quotes.
        command: a line of shell; it gets a process group of its own, which is ended with it. TERM goes to what it
            started, and its shell waits for that.
        warn_after_s: seconds after which the script itself sends TERM; None: the queue does.
    """
    timer = "" if warn_after_s is None else TIMER.format(seconds=warn_after_s)
    whole = f"trap : TERM\n/bin/sh -c {quote(f'trap : TERM{NEW_LINE}{command}')} 2>&1\necho $? > code"
    return BODY.format(folder=folder, command=quote(whole), cores=cores, timer=timer, forced_s=FORCED_S)


@dataclass(frozen=True)
class Marks:
    """What a job wrote itself; None: not (yet). Times in seconds since 1970, by the clock of its node."""

    started: int | None = None
    host: str = ""
    told: int | None = None
    code: int | None = None


async def read_marks(link: Link, folder: str) -> Marks:
    """The files of a job; a folder that is gone has none.

    Raises:
        LinkLost: the connection was cut.
    """
    # Listing the folder makes a shared disk look for files that are new.
    line = f"cd {quote(folder)} && ls > /dev/null && for one in started told_to_end exit_code; do cat $one; echo; done"
    answer = await link.run(f"{{ {line}; }} 2> /dev/null | sed 's/^$/-/'")
    words = [row.split() for row in answer.out.decode(errors="replace").splitlines()]
    started, told, code = _rows(words)
    return Marks(_number(started, 0), started[1] if len(started) > 1 else "", _number(told, 0), _number(code, 0))


def _rows(words: list[list[str]]) -> tuple[list[str], list[str], list[str]]:
    """The three files; a row "-" ends each."""
    rows: list[list[str]] = [[]]
    for row in words:
        if row == ["-"]:
            rows.append([])
        else:
            rows[-1] += row
    rows += [[]] * 3
    return rows[0], rows[1], rows[2]


def _number(words: list[str], place: int) -> int | None:
    try:
        return int(words[place])
    except (IndexError, ValueError):
        return None
